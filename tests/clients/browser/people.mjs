// People with browsers of their own, and what any page that they see must hold.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** How many milliseconds any step may take. */
const PATIENCE = 20_000;
/** The narrowest screen that WCAG 2.2, 1.4.10 asks to do without scrolling sideways, in CSS pixels. */
const NARROW = { width: 320, height: 640 };
/** How much text and the mark of focus must differ from what is behind them: WCAG 2.2, 1.4.3 and 1.4.11. */
const TEXT_CONTRAST = 4.5;
const OUTLINE_CONTRAST = 3;
const WIDE = { width: 1000, height: 700 };

/** Starts Chromium. Screenshots go to `folder`. */
export async function launch(executablePath, folder) {
  mkdirSync(folder, { recursive: true });
  const chrome = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  return {
    /** A browser that has seen nothing; `origin` is the server whose pages are looked at. */
    person: async (origin, options = {}) => {
      const context = await chrome.newContext({ viewport: WIDE, ...options });
      context.setDefaultTimeout(PATIENCE);
      return new Person(context, await context.newPage(), origin, folder);
    },
    close: () => chrome.close(),
  };
}

/** Somebody with a browser. */
export class Person {
  /** What the browser has complained about, script errors and policy violations above all. */
  complaints = [];

  constructor(context, page, origin, folder) {
    Object.assign(this, { context, page, origin, folder });
    page.on("console", (message) => {
      // A page that says no is answered with an error status, which the console repeats.
      if (/^Failed to load resource: the server responded with a status/.test(message.text())) return;
      if (["error", "warning"].includes(message.type())) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
  }

  /** Opens `url` and signs in as `account`, where the tenant asks. */
  async open(url, account) {
    const response = await this.page.goto(url);
    if (account) await this.signsIn(account);
    return response;
  }

  async signsIn(account) {
    const { page } = this;
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    await page.locator(`input[name=account][value=${account}]`).check();
    await this.presses("Continue");
  }

  /** Grants access at the tenant, to the Bitbucket account of `nickname` where it is not one's own. */
  async grants(nickname) {
    const { page } = this;
    await page.getByRole("heading", { name: "Grant access to Bitbucket" }).waitFor();
    if (nickname) await page.getByLabel("Bitbucket account").selectOption(nickname);
    await this.presses("Grant access");
  }

  /** Presses a button and waits for the page that it leads to. */
  async presses(name) {
    await this.page.getByRole("button", { name }).click();
    await this.page.waitForLoadState();
  }

  /** Waits for a page of the server whose heading is `heading`; looks at it and gives its words. */
  async sees(heading, picture) {
    const { page } = this;
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    assert.equal(new URL(page.url()).origin, this.origin, "a page of the server's own");
    await this.looks();
    if (picture) await this.takes(picture);
    const words = await page.locator("main").innerText();
    return words.replace(/\s+/g, " ").trim();
  }

  /** What every page of ours must hold for a person, whatever they see it with. */
  async looks() {
    const { page } = this;
    const found = await page.evaluate(() => ({
      language: document.documentElement.lang,
      title: document.title,
      headings: document.querySelectorAll("h1").length,
      main: document.querySelectorAll("main").length,
      unnamed: [...document.querySelectorAll("button, a, input:not([type=hidden])")].filter(
        (control) => !(control.innerText || control.labels?.length || control.ariaLabel),
      ).length,
      foreign: [...document.querySelectorAll("[src], link[href]")].length,
    }));
    assert.deepEqual(found, {
      language: "en",
      title: found.title,
      headings: 1,
      main: 1,
      unnamed: 0,
      foreign: 0,
    });
    assert.ok(found.title.length > 0, "a page without a title");
    await page.setViewportSize(NARROW);
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(sideways <= 0, `${page.url()} is ${sideways} pixels too wide`);
    await page.setViewportSize(WIDE);
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      const pale = (await contrasts(page)).filter(({ text }) => text < TEXT_CONTRAST);
      assert.deepEqual(pale, [], `hard to read when it is ${colorScheme}`);
    }
  }

  /** The focused control stands out, in the light and in the dark. */
  async standsOut() {
    const { page } = this;
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme });
      const [{ outline }] = await contrasts(page, ":focus-visible");
      assert.ok(outline >= OUTLINE_CONTRAST, `the focus is at ${outline} when it is ${colorScheme}`);
    }
  }

  /** Pictures for somebody to look at: in the light, in the dark, and on a phone. */
  async takes(picture) {
    const { page, folder } = this;
    await page.screenshot({ path: join(folder, `${picture}.png`) });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.screenshot({ path: join(folder, `${picture}-dark.png`) });
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize(NARROW);
    await page.screenshot({ path: join(folder, `${picture}-phone.png`) });
    await page.setViewportSize(WIDE);
  }

  /** Ends; the browser must have had nothing to complain about. */
  async leaves() {
    await this.context.close();
    assert.deepEqual(this.complaints, []);
  }
}

/** How much text and outline of what `selector` finds differ from what is behind them, by WCAG 2.2. */
function contrasts(page, selector = "h1, p, strong, code, a, button, label, legend") {
  return page.evaluate((selector) => {
    const channels = (color) => color.match(/[\d.]+/g).map(Number);
    const luminance = (color) => {
      const [red, green, blue] = channels(color).map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (one, other) => {
      const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
      return (light + 0.05) / (dark + 0.05);
    };
    const canvas = document.body.appendChild(document.createElement("div"));
    canvas.style.backgroundColor = "Canvas";
    const page = getComputedStyle(canvas).backgroundColor;
    canvas.remove();
    const behind = (element) => {
      if (!element) return page;
      const { backgroundColor } = getComputedStyle(element);
      return channels(backgroundColor)[3] === 0 ? behind(element.parentElement) : backgroundColor;
    };
    return [...document.querySelectorAll(selector)].map((element) => {
      const { color, outlineColor, outlineStyle } = getComputedStyle(element);
      return {
        words: element.innerText,
        text: contrast(color, behind(element)),
        outline: outlineStyle === "none" ? 1 : contrast(outlineColor, behind(element.parentElement)),
      };
    });
  }, selector);
}
