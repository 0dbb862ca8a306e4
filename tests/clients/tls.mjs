// Clients that insist on https find their own way in: `node tls.mjs SERVER CERTIFICATE KEY CLIENT…`.
//
// `sandbox --tls` is the tenant and Bitbucket, `http` the server, and a third place serves the document
// that is a client's identity. CLIENT is run with the server's URL and the document's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { address, start } from "./server.mjs";

const [command, certificate, key, ...client] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "tls-"));
const authorities = join(folder, "authorities.pem");
try {
  const document = await clientMetadata();
  const port = await freePort();
  const publicUrl = `https://localhost:${port}`;
  const sandbox = await start(
    command,
    ["sandbox", "--tls", "--json", "--public-url", publicUrl, "--ca-file", join(folder, "sandbox.pem")],
    { SSL_CERT_FILE: certificate },
    settingsOf,
  );
  const trusted = [certificate, sandbox.known.SSL_CERT_FILE].map((file) => readFileSync(file, "utf8"));
  writeFileSync(authorities, trusted.join("\n"));
  const settings = {
    ...sandbox.known,
    SSL_CERT_FILE: authorities,
    BITBUCKET_MCP_LISTEN: `127.0.0.1:${port}`,
    BITBUCKET_MCP_TLS_CERT: certificate,
    BITBUCKET_MCP_TLS_KEY: key,
  };
  const server = await start(command, ["http"], settings, address);
  assert.equal(server.known.href, `${publicUrl}/mcp`);
  const trust = { NODE_EXTRA_CA_CERTS: authorities, SSL_CERT_FILE: authorities };
  const [program, ...parameters] = client;
  const outcome = spawn(program, [...parameters, server.known.href, document.url], {
    env: { ...process.env, ...trust },
    stdio: "inherit",
  });
  const [code] = await once(outcome, "exit");
  assert.equal(code, 0, client.join(" "));
  assert.ok(document.reads() > 0, "nobody read the client's document");
  await server.stop();
  await sandbox.stop();
  document.close();
} finally {
  rmSync(folder, { recursive: true });
}

/** Serves what a client says of itself, at the URL that is its identity. */
async function clientMetadata() {
  let reads = 0;
  const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://localhost:${server.address().port}/client.json`;
  const document = {
    client_id: url,
    client_name: "A client with a document",
    redirect_uris: ["http://127.0.0.1/callback", "http://localhost/callback"],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
  };
  server.on("request", (_, response) => {
    reads += 1;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(document));
  });
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url, reads: () => reads, close };
}

function settingsOf(said) {
  const object = said.match(/^\{.*\}$/m)?.[0];
  return object && JSON.parse(object);
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
