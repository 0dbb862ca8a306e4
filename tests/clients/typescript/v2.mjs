// The TypeScript SDK 2.x, in both eras of the protocol: `node v2.mjs SERVER`.

import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { play } from "./story.mjs";

const command = process.argv[2];

const connectIn = (mode) => async (account, answer) => {
  const client = new Client(
    { name: "typescript-v2", version: "1" },
    {
      capabilities: answer ? { elicitation: { form: {}, url: {} } } : {},
      versionNegotiation: { mode },
    },
  );
  const completed = [];
  const complaints = [];
  client.onerror = (error) => complaints.push(error.message);
  if (answer) {
    client.setRequestHandler("elicitation/create", ({ params }) => answer(params));
    client.setNotificationHandler("notifications/elicitation/complete", ({ params }) => {
      completed.push(params.elicitationId);
    });
  }
  const args = ["stdio", "--sandbox", "--as", account];
  await client.connect(new StdioClientTransport({ command, args }));
  return {
    completed,
    complaints,
    version: () => client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools,
    call: (name, given, options) => client.callTool({ name, arguments: given }, options),
    close: () => client.close(),
  };
};

await Promise.all([
  play("2025-11-25", connectIn("legacy")),
  play("2026-07-28", connectIn({ pin: "2026-07-28" })),
]);
const session = await connectIn("auto")("linked");
if (session.version() !== "2026-07-28") throw new Error(`auto chose ${session.version()}`);
await session.close();
