// The built server as many people reach it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

const ACCOUNTS = ["linked", "limited", "guest"];
/** How many milliseconds it may take to start, and to end. */
const PATIENCE = 30_000;

/** Starts `http --sandbox` on a free port. */
export async function serve(command) {
  const settings = { BITBUCKET_MCP_LISTEN: "127.0.0.1:0" };
  const { known, stop } = await start(command, ["http", "--sandbox"], settings, introduction);
  return {
    url: known.url,
    /** What the client of somebody sends along. */
    headers: (account) => ({ authorization: `Bearer ${known.tokens[account]}` }),
    stop,
  };
}

/** Starts `command` until `read` makes something of what it says. */
export async function start(command, parameters, settings, read) {
  const child = spawn(command, parameters, {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  const leave = () => child.kill();
  process.once("exit", leave);
  const known = await heard(child, read);
  return {
    known,
    /** Asks it to end, which it does by itself once nobody waits for an answer. */
    stop: async () => {
      child.kill();
      const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
      const [code, signal] = await ended;
      clearTimeout(late);
      process.removeListener("exit", leave);
      assert.deepEqual([code, signal], [0, null], "the server did not end well");
    },
  };
}

/** Where the server is to be reached. */
export function address(said) {
  const url = said.match(/https?:\/\/[^\s/]+\/mcp\b/)?.[0];
  return url && new URL(url);
}

/** The authorization server that `url` names to clients. */
export async function issuer(url) {
  const metadata = await fetch(new URL("/.well-known/oauth-protected-resource/mcp", url));
  const { authorization_servers: [first] } = await metadata.json();
  return first;
}

function introduction(said) {
  const url = address(said);
  const tokens = {};
  for (const account of ACCOUNTS) {
    tokens[account] = said.match(new RegExp(`\\b${account}\\b.*\\s(eyJ[\\w.-]+)\\s`))?.[1];
  }
  return url && ACCOUNTS.every((account) => tokens[account]) ? { url, tokens } : undefined;
}

function heard(child, read) {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why) => () => reject(new Error(`${why}:\n${said}`));
    const late = setTimeout(fail("it did not start"), PATIENCE);
    child.once("exit", fail("it ended"));
    child.once("error", reject);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        said += text;
        const known = read(said);
        if (known === undefined) return;
        clearTimeout(late);
        resolve(known);
      });
    }
  });
}
