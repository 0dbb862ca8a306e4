// An agent's client in a few lines: modern protocol, no elicitation, so links come in words.

import assert from "node:assert/strict";

let requests = 0;

/** Calls `tool` for `account`; gives the result as the protocol has it. */
export async function call(server, account, tool, given = {}) {
  const protocol = "2026-07-28";
  const response = await fetch(server.url, {
    method: "POST",
    headers: {
      ...server.headers(account),
      accept: "application/json, text/event-stream",
      "content-type": "application/json",
      "mcp-protocol-version": protocol,
      "mcp-method": "tools/call",
      "mcp-name": tool,
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: (requests += 1),
      method: "tools/call",
      params: {
        name: tool,
        arguments: given,
        _meta: {
          "io.modelcontextprotocol/protocolVersion": protocol,
          "io.modelcontextprotocol/clientCapabilities": {},
          "io.modelcontextprotocol/clientInfo": { name: "browser <tests>", version: "1" },
        },
      },
    }),
  });
  const { result, error } = await response.json();
  assert.ok(result, `${tool}: ${response.status} ${JSON.stringify(error)}`);
  return result;
}

/** The page that `tool` sends the person of `account` to. */
export async function link(server, account, tool = "list_workspaces") {
  const said = await call(server, account, tool);
  const url = said.content[0].text.match(/https?:\/\/\S+\/link\/[\w-]+/)?.[0];
  assert.ok(said.isError && url, `${tool} gives no link: ${JSON.stringify(said)}`);
  assert.ok(url.startsWith(server.url.origin), url);
  return url;
}

/** The Bitbucket accounts that `account` has linked, by name. */
export async function linked(server, account) {
  const { structuredContent } = await call(server, account, "get_account");
  return structuredContent.accounts.map(({ username }) => username);
}
