// The inspector's command line in both eras of the protocol: `node inspect.mjs SERVER stdio|http`.
//
// Over stdio, every call is a server of its own; over HTTP they share one, so what changes something
// comes after all reads.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { serve } from "../server.mjs";

const PATIENCE = { timeout: 60_000 };
const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const story = JSON.parse(readFileSync(here("../story.json")));
const [command, over] = process.argv.slice(2);
const server = over === "http" ? await serve(command) : undefined;
const place = server
  ? ["--server-url", server.url.href, "--transport", "http", "--header", authorization()]
  : [command, "stdio", "--sandbox"];
/** The inspector's exit code when a tool says no. */
const TOOL_ERROR = 5;

const writes = [
  ...story.changes,
  { tool: "review_pull_request", arguments: story.review },
  { tool: "merge_pull_request", arguments: story.merge },
  { tool: "link_account", arguments: {} },
];
/** Over HTTP these need a scope that no client gets by the way. */
const administration = server ? [] : story.administration;
const configure = { tool: "configure_connection", arguments: { digest: "0".repeat(32) } };
const unlink = { tool: "unlink_account", arguments: {} };
const calls = [...story.reads, ...story.administration, configure, ...writes, unlink];

const lists = ["legacy", "modern", "auto"].map((era) => () => list(era));
const reads = [...story.reads, ...administration].map((read, index) => () => made(read, index));
const results = await twoAtOnce([...lists, ...reads, invalid]);
for (const [index, write] of writes.entries()) await made(write, index);
if (!server) await refused(configure, /^conflict: /);
// Over HTTP only the person can unlink, on a page, which this client cannot open.
if (server) await refused(unlink, /\nhint: .*http:\/\/127\.0\.0\.1:\d+\/link\//);
else await made(unlink, 0);
const called = new Set(calls.map((call) => call.tool));
for (const names of results.slice(0, lists.length)) {
  assert.deepEqual(names.filter((name) => !called.has(name)), [], "tools that nothing calls");
}
await server?.stop();

async function list(era) {
  const { stdout, stderr } = await inspector(era, "--strict", "--method", "tools/list");
  assert.equal(stderr, "", `${era}: a complaint about the schemas`);
  return JSON.parse(stdout).result.tools.map((tool) => tool.name);
}

async function made({ tool, arguments: given }, index) {
  const era = index % 2 === 0 ? "legacy" : "modern";
  const { stdout } = await call(era, tool, given);
  const { result } = JSON.parse(stdout);
  assert.ok(result.structuredContent && !result.isError, `${era}, ${tool}: ${stdout}`);
}

async function invalid() {
  await refused({ tool: "get_file", arguments: {} }, /^invalid_arguments: /);
}

async function refused({ tool, arguments: given }, says) {
  const { code, stdout, stderr } = await call("modern", tool, given).catch((error) => error);
  assert.equal(code, TOOL_ERROR, `${stdout}${stderr}`);
  assert.match(JSON.parse(stdout).result.content[0].text, says);
}

function call(era, tool, given) {
  const json = JSON.stringify(given);
  return inspector(era, "--method", "tools/call", "--tool-name", tool, "--tool-args-json", json);
}

async function inspector(era, ...what) {
  const program = here("node_modules/.bin/mcp-inspector");
  const how = ["--cli", "--protocol-era", era, "--format", "json", "--quiet"];
  return run(here("node_modules/.bin/node"), [program, ...how, ...what, ...place], PATIENCE);
}

function authorization() {
  return `Authorization: ${server.headers("linked").authorization}`;
}

async function twoAtOnce(jobs) {
  const outcomes = [];
  const waiting = jobs.entries();
  const worker = async () => {
    for (const [index, job] of waiting) outcomes[index] = await job();
  };
  await Promise.all([worker(), worker()]);
  return outcomes;
}
