// The built server as many people reach it: `http --sandbox` on a free port.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";

const ACCOUNTS = ["linked", "limited", "guest"];
/** How many milliseconds it may take to start, and to end. */
const PATIENCE = 30_000;

/** Starts `command`; `environment` are settings beyond the sandbox's own. */
export async function serve(command, environment = {}) {
  const settings = { BITBUCKET_MCP_LISTEN: "127.0.0.1:0", ...environment };
  const child = spawn(command, ["http", "--sandbox"], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const ended = once(child, "exit");
  const leave = () => child.kill();
  process.once("exit", leave);
  const { url, tokens } = await introduction(child);
  return {
    url,
    /** The access token of somebody's client. */
    token: (account) => tokens[account],
    /** What a client sends along. */
    headers: (account) => ({ authorization: `Bearer ${tokens[account]}` }),
    /** Asks the server to end, which it does by itself once nobody waits for an answer. */
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

/** The authorization server that `url` names to clients. */
export async function issuer(url) {
  const metadata = await fetch(new URL("/.well-known/oauth-protected-resource/mcp", url));
  const { authorization_servers: [first] } = await metadata.json();
  return first;
}

/** Reads what the server says of itself at the start. */
function introduction(child) {
  return new Promise((resolve, reject) => {
    let said = "";
    const fail = (why) => () => reject(new Error(`${why}:\n${said}`));
    const late = setTimeout(fail("the server did not start"), PATIENCE);
    child.once("exit", fail("the server ended"));
    child.once("error", reject);
    child.stderr.setEncoding("utf8").on("data", (text) => {
      said += text;
      const url = said.match(/https?:\/\/[^\s/]+\/mcp\b/)?.[0];
      const tokens = {};
      for (const account of ACCOUNTS) {
        tokens[account] = said.match(new RegExp(`\\b${account}\\b.*\\s(eyJ[\\w.-]+)\\s`))?.[1];
      }
      if (!url || !ACCOUNTS.every((account) => tokens[account])) return;
      clearTimeout(late);
      resolve({ url: new URL(url), tokens });
    });
  });
}
