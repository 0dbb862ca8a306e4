// A person with a browser: follows redirects, keeps cookies, fills in the sandbox's forms.

const STEPS = 20;

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
    // Only the tenant's pages are filled in; the server's own last page offers to undo the link.
    if (!page.includes("(sandbox)</title>")) return words(page);
    request = filled(page, request.url, account);
  }
  throw new Error("the pages went on without end");
}

async function load({ url, method, body }, cookies) {
  const headers = { cookie: [...cookies].map((pair) => pair.join("=")).join("; ") };
  const response = await fetch(url, { method, body, headers, redirect: "manual" });
  for (const cookie of response.headers.getSetCookie()) {
    const [name, value] = cookie.split(";")[0].split("=");
    cookies.set(name, value);
  }
  return response;
}

function filled(page, address, account) {
  const form = page.match(/<form method="post" action="([^"]*)">(.*?)<\/form>/s);
  if (!form) throw new Error(`${address} has no form: ${words(page)}`);
  const [, action, inside] = form;
  const body = new URLSearchParams();
  if (inside.includes('name="account"')) body.set("account", account);
  const chosen = inside.match(/<option value="([^"]*)" selected>/);
  if (chosen) body.set("bitbucket_account", chosen[1]);
  const [, name, value] = inside.match(/<button name="([^"]*)" value="([^"]*)"/);
  body.set(name, value);
  return { url: new URL(action.replaceAll("&amp;", "&"), address).href, method: "POST", body };
}

function words(page) {
  return page
    .replace(/<(style|script|title).*?<\/\1>/gs, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/\s+/g, " ")
    .trim();
}
