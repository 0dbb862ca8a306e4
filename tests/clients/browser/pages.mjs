// The pages that a person sees, in Chromium: `node pages.mjs SERVER CHROMIUM SCREENSHOTS`.
//
// Gus (`guest`) has linked nothing yet, Ana (`linked`) has; every story has a server of its own.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

import { issuer, serve } from "../server.mjs";
import { call, link, linked } from "./agent.mjs";
import { launch } from "./people.mjs";

const [command, chromium, screenshots, chosen] = process.argv.slice(2);
const LINKED = /is now linked/;
const SOMEONE_ELSE = "This link is for someone else";
const ANOTHER_BROWSER = "This browser did not begin here";
const USED = "This link was already used";

const stories = {
  async linksAnAccount({ server, person }) {
    const url = await link(server, "guest");
    // Whoever looks first, such as a scanner of mail, takes nothing away.
    for (const method of ["GET", "HEAD", "GET"]) await fetch(url, { method, redirect: "manual" });
    const gus = await person();
    await gus.open(url, "guest");
    const asked = await confirmation(gus, "confirm");
    assert.match(asked, /Gus Weber|gus@example\.test/);
    assert.match(asked, /browser <tests>/, "the asking client");
    assert.deepEqual(await linked(server, "guest"), []);
    await gus.presses("Continue");
    await gus.grants();
    const done = await gus.sees(LINKED, "linked");
    assert.match(done, /Bitbucket account gus/);
    assert.deepEqual(await linked(server, "guest"), ["gus"]);
    await works(server, "guest");
    await gus.page.reload();
    assert.equal(await gus.sees(LINKED), done);
    // The page is this browser's alone.
    const stranger = await person();
    await stranger.open(gus.page.url());
    assert.doesNotMatch(await stranger.sees(/./), /gus|weber/i);
    // And the link is used up.
    await stranger.open(url);
    await stranger.sees(USED, "used");
  },

  async linksWithoutScripts({ server, person }) {
    const gus = await person({ javaScriptEnabled: false });
    await gus.open(await link(server, "guest"), "guest");
    await gus.presses("Continue");
    await gus.grants();
    await gus.page.getByRole("heading", { name: LINKED }).waitFor();
    await works(server, "guest");
  },

  async linksByKeyboard({ server, person }) {
    const gus = await person();
    const { page } = gus;
    await gus.open(await link(server, "guest"));
    await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
    await reach(page, (focused) => focused.name === "account");
    for (let tries = 0; tries < 4; tries += 1) {
      if (await page.locator("input[value=guest]").isChecked()) break;
      await page.keyboard.press("ArrowDown");
    }
    await reach(page, (focused) => focused.label === "Continue");
    await page.keyboard.press("Enter");
    await confirmation(gus);
    await reach(page, (focused) => focused.label === "Continue");
    await gus.standsOut();
    await gus.takes("focus");
    await page.keyboard.press("Space");
    await page.getByRole("heading", { name: "Grant access to Bitbucket" }).waitFor();
    await reach(page, (focused) => focused.label === "Grant access");
    await page.keyboard.press("Enter");
    await gus.sees(LINKED);
    await reach(page, (focused) => /undo/i.test(focused.label));
    await page.keyboard.press("Enter");
    await gus.sees("The link was undone");
  },

  async turnsAnotherPersonAway({ server, person }) {
    const url = await link(server, "guest");
    const ana = await person();
    await ana.open(url, "linked");
    const refused = await ana.sees(SOMEONE_ELSE, "someone-else");
    assert.doesNotMatch(refused, /gus|weber/i, "it says whose it is");
    assert.deepEqual(await linked(server, "guest"), []);
    // The link has lost nothing: Gus can use it, also at the same computer.
    await ana.page.locator("main").locator("a, button").first().click();
    await ana.signsIn("guest");
    await confirmation(ana);
    const gus = await person();
    await gus.open(url, "guest");
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.grants();
    await gus.sees(LINKED);
    assert.deepEqual(await linked(server, "guest"), ["gus"]);
    assert.deepEqual(await linked(server, "linked"), ["ana"]);
  },

  async finishesNothingForAForwardedConsent({ server, person }) {
    const gus = await person();
    await gus.open(await link(server, "guest"), "guest");
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.page.getByRole("heading", { name: "Grant access to Bitbucket" }).waitFor();
    const forwarded = gus.page.url();
    const ana = await person();
    await ana.open(forwarded, "linked");
    await ana.grants();
    await ana.sees(ANOTHER_BROWSER, "another-browser");
    assert.deepEqual(await linked(server, "guest"), []);
  },

  async finishesNothingForAForwardedSignIn({ server, person }) {
    // Ben hands the end of his own sign-in to Gus, who would go on as Ben.
    const ben = await person();
    await ben.open(await link(server, "limited", "unlink_account"));
    const kept = await withheld(ben, "limited");
    const gus = await person();
    await gus.open(kept);
    await gus.sees(ANOTHER_BROWSER);
  },

  async takesNoFormOfAnotherSite({ server, person }) {
    const url = await link(server, "guest");
    const gus = await person();
    await gus.open(url, "guest");
    await confirmation(gus);
    const form = `<form method="post" action="${url}"></form><script>document.forms[0].submit()</script>`;
    const frame = `<iframe src="${url}"></iframe>`;
    const site = createServer((request, response) => {
      response.setHeader("content-type", "text/html");
      response.end(request.url === "/form" ? form : frame);
    });
    site.listen(0, "127.0.0.1");
    await once(site, "listening");
    const evil = `http://localhost:${site.address().port}`;
    await gus.open(`${evil}/form`);
    await gus.page.waitForURL(url);
    await gus.page.getByText("Another site sent this request").waitFor();
    assert.deepEqual(await linked(server, "guest"), []);
    // Nor does it stand in a frame, where it could be clicked unseen.
    const complaints = [...gus.complaints];
    await gus.open(`${evil}/frame`);
    const [inside] = gus.page.frames().slice(1);
    assert.equal(await inside.locator("button").count(), 0);
    gus.complaints = complaints;
    site.close();
    site.closeAllConnections();
    // None of it has spent the link.
    await gus.open(url);
    await confirmation(gus);
  },

  async takesARefusal({ server, person }) {
    const url = await link(server, "guest");
    const gus = await person();
    await gus.open(url, "guest");
    await confirmation(gus);
    await gus.presses("Cancel");
    await gus.sees("You refused", "refused");
    await gus.open(url);
    await gus.sees(USED);
    const another = await link(server, "guest");
    assert.notEqual(another, url);
    await gus.open(another);
    // The tenant knows the person by now.
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.presses("Cancel");
    assert.doesNotMatch(await gus.sees("You refused"), /denied access to the account/);
    assert.deepEqual(await linked(server, "guest"), []);
  },

  async undoesAWrongAccount({ server, person }) {
    const gus = await person();
    await gus.open(await link(server, "guest"), "guest");
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.grants("cleo");
    assert.match(await gus.sees(LINKED), /Bitbucket account cleo \(Cleo Marsh\)/);
    assert.deepEqual(await linked(server, "guest"), ["cleo"]);
    await gus.presses("Not mine: undo");
    await gus.sees("The link was undone", "undone");
    assert.deepEqual(await linked(server, "guest"), []);
    await gus.page.reload();
    assert.deepEqual(await linked(server, "guest"), []);
    await gus.open(await link(server, "guest"));
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.grants("gus");
    await gus.sees(LINKED);
    assert.deepEqual(await linked(server, "guest"), ["gus"]);
  },

  async readsAFragment({ server, person }) {
    const gus = await person();
    // The tenant may put the code where no server sees it.
    await control(server, "tenant", "PATCH", { connect_code_in_fragment: true });
    await gus.open(await link(server, "guest"), "guest");
    await confirmation(gus);
    await gus.presses("Continue");
    await gus.grants();
    await gus.sees(LINKED);
    assert.deepEqual(await linked(server, "guest"), ["gus"]);
    assert.doesNotMatch(gus.page.url(), /connect_code/);
    await gus.page.goBack();
    assert.doesNotMatch(gus.page.url(), /connect_code/, "the code is in the history");
  },

  async outlastsAFailingTenant({ server, person }) {
    const url = await link(server, "guest");
    const gus = await person();
    await failing(server, { path: "/oauth/token", effect: { status: { code: 503 } } });
    await gus.open(url, "guest");
    await gus.sees("Nothing was changed", "auth0-down");
    assert.equal(await gus.page.getByRole("button", { name: "Continue" }).count(), 0);
    await mended(server);
    await gus.open(url);
    await confirmation(gus);
    await failing(server, { path: "*/connected-accounts/connect", effect: "unanswered" });
    await gus.presses("Continue");
    await gus.sees("Nothing was changed");
    await mended(server);
    await gus.open(url);
    await confirmation(gus);
    await gus.presses("Continue");
    // The answer is lost, yet the link was made: it is looked up, not made again.
    await failing(server, { path: "*/complete", effect: "cut" });
    await gus.grants();
    await gus.sees(LINKED);
    await mended(server);
    assert.deepEqual(await linked(server, "guest"), ["gus"]);
  },

  async unlinksByAPage({ server, person }) {
    const url = await link(server, "linked", "unlink_account");
    const ben = await person();
    await ben.open(url, "limited");
    await ben.sees(SOMEONE_ELSE);
    const ana = await person();
    await ana.open(url, "linked");
    await ana.page.getByRole("button", { name: "Unlink" }).waitFor();
    const asked = await ana.sees(/./, "unlink");
    assert.match(asked, /signed in as Ana Lima \(ana@example\.test\)/);
    assert.match(asked, /Bitbucket account ana \(Ana Lima\), linked on /);
    assert.deepEqual(await linked(server, "linked"), ["ana"]);
    await ana.presses("Unlink");
    const done = await ana.sees("The account was unlinked", "unlinked");
    assert.match(done, /Bitbucket account ana \(Ana Lima\) is no longer linked to Ana Lima/);
    assert.match(done, /can no longer act as you/);
    assert.deepEqual(await linked(server, "linked"), []);
    assert.match((await call(server, "linked", "list_workspaces")).content[0].text, /^not_linked: /);
    assert.deepEqual(await linked(server, "limited"), ["ben"]);
    await ben.open(url);
    await ben.sees(USED);
    // Ana's own browser remembers what was done.
    await ana.open(url);
    await ana.sees("The account was unlinked");
  },

  async knowsNothingOfAnInventedLink({ server, person }) {
    const nobody = await person();
    const { origin } = server.url;
    for (const path of ["/link/AAAAAAAAAAAAAAAAAAAAAA", "/link/", "/link/signed-in"]) {
      const response = await nobody.open(`${origin}${path}`);
      assert.ok(response.status() >= 400 && response.status() < 500, path);
    }
    await nobody.open(`${origin}/link/AAAAAAAAAAAAAAAAAAAAAA`);
    await nobody.sees("This link is not valid", "unknown");
    await nobody.open(`${origin}/link/done`);
    await nobody.sees(/./);
  },
};

/** Waits for the page that asks whether to go on; gives its words. */
async function confirmation(person, picture) {
  await person.page.getByRole("button", { name: "Continue" }).waitFor();
  assert.ok(await person.page.getByRole("button", { name: "Cancel" }).isVisible());
  return person.sees(/./, picture);
}

/** The agent's next call goes through. */
async function works(server, account) {
  const said = await call(server, account, "list_workspaces");
  assert.ok(!said.isError, said.content[0].text);
}

/** Presses Tab until the focus is `where` it should be. */
async function reach(page, where) {
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const { name, innerText } = document.activeElement;
      return { name, label: innerText };
    });
    if (where(focused)) return focused;
  }
  throw new Error(`${page.url()} cannot be used by keyboard`);
}

/** Signs in as `account`, and gives the address that the browser would have gone back to. */
async function withheld(person, account) {
  let kept;
  await person.page.route("**/u/login*", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    const response = await route.fetch({ maxRedirects: 0 });
    kept = response.headers().location;
    return route.fulfill({ body: "withheld" });
  });
  await person.signsIn(account);
  await person.page.getByText("withheld").waitFor();
  assert.match(kept, /\/link\/signed-in\?.*code=/);
  return kept;
}

async function failing(server, fault) {
  await control(server, "faults", "POST", { service: "auth0", ...fault });
}

async function mended(server) {
  await control(server, "faults", "DELETE");
}

/** Does something to the sandbox. */
async function control(server, what, method, body) {
  const address = new URL(`/_sandbox/${what}`, await issuer(server.url));
  const headers = { "content-type": "application/json", "x-sandbox": "1" };
  const response = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  assert.equal(response.status, 204, await response.text());
}

const chrome = await launch(chromium, screenshots);
for (const [name, story] of Object.entries(stories)) {
  if (chosen && chosen !== name) continue;
  const server = await serve(command);
  const people = [];
  const person = async (options) => {
    people.push(await chrome.person(server.url.origin, options));
    return people.at(-1);
  };
  try {
    await story({ server, person });
    for (const one of people) await one.leaves();
  } catch (error) {
    const places = people.map(({ page }) => page.url());
    error.message = `${name}: ${error.message}\nat ${places.join(" and ")}`;
    throw error;
  }
  await server.stop();
}
await chrome.close();
