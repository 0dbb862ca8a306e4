// The TypeScript SDK 1.x, which speaks up to 2025-11-25: `node v1.mjs SERVER`.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  ElicitRequestSchema,
  ElicitationCompleteNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";

import { play } from "./story.mjs";

const command = process.argv[2];

async function connect(account, answer) {
  const capabilities = answer ? { elicitation: { form: {}, url: {} } } : {};
  const client = new Client({ name: "typescript-v1", version: "1" }, { capabilities });
  const completed = [];
  const complaints = [];
  client.onerror = (error) => complaints.push(error.message);
  if (answer) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => answer(params));
    client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
      completed.push(params.elicitationId);
    });
  }
  const args = ["stdio", "--sandbox", "--as", account];
  const transport = new StdioClientTransport({ command, args });
  let version;
  transport.setProtocolVersion = (negotiated) => {
    version = negotiated;
  };
  await client.connect(transport);
  return {
    completed,
    complaints,
    version: () => version,
    tools: async () => (await client.listTools()).tools,
    call: (name, given, options) => client.callTool({ name, arguments: given }, undefined, options),
    close: () => client.close(),
  };
}

await play("2025-11-25", connect);
