// Both TypeScript SDKs find their own way in: `node oauth.mjs SERVER|URL [CLIENT]`, where CLIENT is the
// URL of a client's document.
//
// A client knows nothing but the server's URL. The refusal names the metadata, that names the
// authorization server; there the client registers or shows its document, the person signs in and agrees, and the code becomes
// a token for this server alone. A call beyond its scopes asks for more.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";

import * as v2 from "@modelcontextprotocol/client";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { serve } from "../server.mjs";
import { visit } from "./browser.mjs";
import { story } from "./story.mjs";

const SDKS = {
  "TypeScript SDK 1": {
    Client,
    Transport: StreamableHTTPClientTransport,
    Unauthorized: UnauthorizedError,
    came: (back) => back.get("code"),
  },
  "TypeScript SDK 2": {
    Client: v2.Client,
    Transport: v2.StreamableHTTPClientTransport,
    Unauthorized: v2.UnauthorizedError,
    came: (back) => back,
  },
};

/** The place where browsers bring what the authorization server gave them. */
class Callback {
  #server = http.createServer((request, response) => {
    this.last = new URL(request.url, this.url).searchParams;
    response.end("You can go back to your client.");
  });

  async open() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${this.#server.address().port}/callback`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

/** What a client keeps, and the person in front of it. `grants` are the scopes that they agree to. */
class Provider {
  asked = [];
  #kept = {};

  constructor(name, account, callback, clientMetadataUrl) {
    Object.assign(this, { name, account, callback, clientMetadataUrl });
  }

  get redirectUrl() {
    return this.callback.url;
  }

  get clientMetadata() {
    return {
      client_name: this.name,
      redirect_uris: [this.callback.url],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  async redirectToAuthorization(url) {
    const opened = new URL(url);
    this.asked.push(new URL(url));
    if (this.grants) opened.searchParams.set("scope", this.grants);
    assert.equal(await visit(opened.href, this.account), "You can go back to your client.");
  }

  state = () => (this.#kept.state ??= crypto.randomUUID());
  clientInformation = () => this.#kept.information;
  saveClientInformation = (information) => Object.assign(this.#kept, { information });
  tokens = () => this.#kept.tokens;
  saveTokens = (tokens) => Object.assign(this.#kept, { tokens });
  codeVerifier = () => this.#kept.verifier;
  saveCodeVerifier = (verifier) => Object.assign(this.#kept, { verifier });
  discoveryState = () => this.#kept.discovered;
  saveDiscoveryState = (discovered) => Object.assign(this.#kept, { discovered });
}

async function dances(sdk, name, url, clientMetadataUrl) {
  const callback = new Callback();
  await callback.open();
  const provider = new Provider(name, "linked", callback, clientMetadataUrl);
  // The person agrees to reading alone.
  provider.grants = "bitbucket:read";
  const first = await connected(sdk, url, provider);
  await assert.rejects(first.open(), sdk.Unauthorized);
  const [asked] = provider.asked;
  assert.equal(asked.searchParams.get("resource"), url.href);
  assert.equal(asked.searchParams.get("code_challenge_method"), "S256");
  assert.deepEqual(scopesOf(asked), ["bitbucket:read", "bitbucket:write"]);
  if (clientMetadataUrl) assert.equal(provider.clientInformation().client_id, clientMetadataUrl);
  else assert.match(provider.clientInformation().client_id, /^tpc_/);
  await first.finish(callback.last);

  const { client, open, finish } = await connected(sdk, url, provider);
  await open();
  const account = await client.callTool({ name: "get_account", arguments: {} });
  assert.equal(account.structuredContent.subject, "auth0|ana");
  for (const { tool, arguments: given } of story.reads) {
    const result = await client.callTool({ name: tool, arguments: given });
    assert.ok(!result.isError, `${tool}: ${result.content[0].text}`);
  }

  // To write, the client asks for more.
  provider.grants = undefined;
  const review = { name: "review_pull_request", arguments: story.review };
  await assert.rejects(client.callTool(review), sdk.Unauthorized);
  assert.equal(provider.asked.length, 2);
  assert.deepEqual(scopesOf(provider.asked[1]), ["bitbucket:read", "bitbucket:write"]);
  await finish(callback.last);
  const reviewed = await client.callTool(review);
  assert.ok(!reviewed.isError, reviewed.content[0].text);
  assert.equal(provider.asked.length, 2);
  await client.close();
  callback.close();
}

async function connected(sdk, url, provider) {
  const client = new sdk.Client({ name: provider.name, version: "1" });
  const transport = new sdk.Transport(url, { authProvider: provider });
  return {
    client,
    open: () => client.connect(transport),
    finish: async (back) => {
      assert.equal(back.get("state"), provider.state());
      await transport.finishAuth(sdk.came(back));
    },
  };
}

function scopesOf(url) {
  // The SDK 2 adds a scope that the authorization server offers for refresh tokens.
  const scopes = url.searchParams.get("scope").split(" ");
  return scopes.filter((scope) => scope !== "offline_access").sort();
}

const [where, clientMetadataUrl] = process.argv.slice(2);
for (const [name, sdk] of Object.entries(SDKS)) {
  const server = /^https?:/.test(where) ? { url: new URL(where) } : await serve(where);
  try {
    await dances(sdk, name, server.url, clientMetadataUrl);
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
  await server.stop?.();
}
