// The TypeScript SDK 1.x, which speaks up to 2025-11-25: `node v1.mjs SERVER stdio|http`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import {
  ElicitRequestSchema,
  ElicitationCompleteNotificationSchema,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/sdk/types.js";

import { serve } from "../server.mjs";
import { Completed, play } from "./story.mjs";

const [command, over] = process.argv.slice(2);

async function connect(account, answer, shared) {
  const capabilities = answer ? { elicitation: { form: {}, url: {} } } : {};
  const client = new Client({ name: "typescript-v1", version: "1" }, { capabilities });
  const completed = new Completed();
  const complaints = [];
  client.onerror = (error) => complaints.push(error.message);
  if (answer) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params));
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
      completed.add(params.elicitationId);
    });
  }
  const server = shared ?? (over === "http" ? await serve(command) : undefined);
  const transport = server
    ? new StreamableHTTPClientTransport(server.url, {
        requestInit: { headers: server.headers(account) },
      })
    : new StdioClientTransport({ command, args: ["stdio", "--sandbox", "--as", account] });
  let version;
  const told = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (negotiated) => {
    version = negotiated;
    told?.(negotiated);
  };
  await client.connect(transport);
  return {
    completed,
    complaints,
    version: () => version,
    tools: async () => (await client.listTools()).tools,
    call: (name, given, options) => client.callTool({ name, arguments: given }, undefined, options),
    pages: (error) => (error instanceof UrlElicitationRequiredError ? error.elicitations : undefined),
    close: async () => {
      // The SDK complains about streams that it ends itself.
      if (server) client.onerror = undefined;
      await transport.terminateSession?.();
      await client.close();
      if (!shared) await server?.stop();
    },
  };
}

await play("2025-11-25", over, connect, () => serve(command));
