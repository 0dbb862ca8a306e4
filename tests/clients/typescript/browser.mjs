// A person with a browser: follows redirects, keeps cookies, fills in forms.

const STEPS = 30;
/** The buttons of the server's own pages that lead to what the person came for. */
const GO_ON = /^(continue|unlink)\b/i;

/** Opens `url` as the person of `account` and returns the text of the page where it ends. */
export async function visit(url, account) {
  const cookies = new Map();
  let request = { url, method: "GET" };
  for (let step = 0; step < STEPS; step += 1) {
    const response = await load(request, cookies);
    const page = await response.text();
    const location = response.headers.get("location");
    if (location) {
      request = { url: new URL(location, request.url).href, method: "GET" };
      continue;
    }
    if (!response.ok) throw new Error(`${request.url} answered ${response.status}: ${words(page)}`);
    const next = goesOn(page) ?? filled(page, account);
    if (!next) return words(page);
    request = { ...next, url: new URL(next.url, request.url).href, from: request.url };
  }
  throw new Error("the pages went on without end");
}

async function load({ url, method, body, from }, cookies) {
  // The pages of two links are served one after the other at the same address, and this client, unlike a
  // browser, gives up where a connection that it kept turns out to be closed: so it keeps none.
  const headers = {
    cookie: [...cookies].map((pair) => pair.join("=")).join("; "),
    connection: "close",
  };
  if (body) headers.origin = new URL(from).origin;
  const response = await fetch(url, { method, body, headers, redirect: "manual" });
  for (const cookie of response.headers.getSetCookie()) {
    const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
    cookies.set(name, value);
  }
  return response;
}

/** Where a page leads by itself. */
function goesOn(page) {
  const refresh = tags(page, "meta").find((tag) => tag["http-equiv"] === "refresh");
  return refresh && { url: refresh.content.match(/url=(.*)$/i)[1].trim(), method: "GET" };
}

/** What the first form sends that leads on. The tenant's pages have one, whose first button agrees. */
function filled(page, account) {
  const tenants = page.includes("(sandbox)</title>");
  for (const [, attributes, inside] of page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)) {
    const buttons = [...inside.matchAll(/<button\b([^>]*)>(.*?)<\/button>/gs)];
    const button = buttons.find(([, , label]) => tenants || GO_ON.test(words(label)));
    if (!button) continue;
    const body = new URLSearchParams();
    for (const { type, name, value, ...more } of tags(inside, "input")) {
      if (type === "hidden" || "checked" in more) body.set(name, value);
    }
    if (tenants && body.has("account")) body.set("account", account);
    const chosen = tags(inside, "option").find((option) => "selected" in option);
    if (chosen) body.set("bitbucket_account", chosen.value);
    const { name, value } = attributesOf(button[1]);
    if (name) body.set(name, value);
    return { url: attributesOf(attributes).action ?? "", method: "POST", body };
  }
  return undefined;
}

function tags(html, name) {
  const found = html.matchAll(new RegExp(`<${name}\\b([^>]*)>`, "gs"));
  return [...found].map(([, attributes]) => attributesOf(attributes));
}

function attributesOf(text) {
  const found = text.matchAll(/([\w-]+)(?:="([^"]*)")?/g);
  return Object.fromEntries([...found].map(([, name, value]) => [name, plain(value ?? "")]));
}

function words(page) {
  return plain(page.replace(/<(style|script|title).*?<\/\1>/gs, " ").replace(/<[^>]*>/g, " "))
    .replace(/\s+/g, " ")
    .trim();
}

function plain(html) {
  const characters = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return html.replace(/&(lt|gt|quot|#39|amp);/g, (escaped) => characters[escaped]);
}
