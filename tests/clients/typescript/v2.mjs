// The TypeScript SDK 2.x, in both eras of the protocol: `node v2.mjs SERVER stdio|http`.

import {
  Client,
  StreamableHTTPClientTransport,
  UrlElicitationRequiredError,
} from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

import { serve } from "../server.mjs";
import { Completed, play } from "./story.mjs";

const [command, over] = process.argv.slice(2);

const connectIn = (mode) => async (account, answer, shared) => {
  const client = new Client(
    { name: "typescript-v2", version: "1" },
    {
      capabilities: answer ? { elicitation: { form: {}, url: {} } } : {},
      versionNegotiation: { mode },
    },
  );
  const completed = new Completed();
  const complaints = [];
  client.onerror = (error) => complaints.push(error.message);
  if (answer) {
    client.setRequestHandler("elicitation/create", ({ params }) => answer(params));
    client.setNotificationHandler("notifications/elicitation/complete", ({ params }) => {
      completed.add(params.elicitationId);
    });
  }
  const server = shared ?? (over === "http" ? await serve(command) : undefined);
  const transport = server
    ? new StreamableHTTPClientTransport(server.url, {
        requestInit: { headers: server.headers(account) },
      })
    : new StdioClientTransport({ command, args: ["stdio", "--sandbox", "--as", account] });
  await client.connect(transport);
  return {
    completed,
    complaints,
    version: () => client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools,
    call: (name, given, options) => client.callTool({ name, arguments: given }, options),
    pages: (error) => (error instanceof UrlElicitationRequiredError ? error.elicitations : undefined),
    close: async () => {
      // The SDK complains about streams that it ends itself.
      if (server) client.onerror = undefined;
      if (mode === "legacy") await transport.terminateSession?.();
      await client.close();
      if (!shared) await server?.stop();
    },
  };
};

await Promise.all([
  play("2025-11-25", over, connectIn("legacy"), () => serve(command)),
  play("2026-07-28", over, connectIn({ pin: "2026-07-28" }), () => serve(command)),
]);
const session = await connectIn("auto")("linked");
if (session.version() !== "2026-07-28") throw new Error(`auto chose ${session.version()}`);
await session.close();
