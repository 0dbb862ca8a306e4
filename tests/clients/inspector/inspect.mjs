// The inspector's command line in both eras of the protocol: `node inspect.mjs SERVER`.
//
// Every call is a server of its own, so that writes do not meet each other.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PATIENCE = { timeout: 30_000 };
const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const story = JSON.parse(readFileSync(here("../story.json")));
const server = [process.argv[2], "stdio", "--sandbox"];
/** The inspector's exit code when a tool says no. */
const TOOL_ERROR = 5;

const calls = [
  ...story.reads,
  { tool: "review_pull_request", arguments: story.review },
  { tool: "merge_pull_request", arguments: story.merge },
  { tool: "link_account", arguments: {} },
  { tool: "unlink_account", arguments: {} },
];

const lists = ["legacy", "modern", "auto"].map((era) => () => list(era));
const results = await twoAtOnce([...lists, ...calls.map((call, index) => () => made(call, index)), refused]);
const called = new Set(calls.map((call) => call.tool));
for (const names of results.slice(0, lists.length)) {
  assert.deepEqual(names.filter((name) => !called.has(name)), [], "tools that nothing calls");
}

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

async function refused() {
  const outcome = await call("modern", "get_file", {}).catch((error) => error);
  assert.equal(outcome.code, TOOL_ERROR, `${outcome.stdout}${outcome.stderr}`);
  assert.match(outcome.stdout, /invalid_arguments: /);
}

function call(era, tool, given) {
  const json = JSON.stringify(given);
  return inspector(era, "--method", "tools/call", "--tool-name", tool, "--tool-args-json", json);
}

async function inspector(era, ...what) {
  const program = here("node_modules/.bin/mcp-inspector");
  const how = ["--cli", "--protocol-era", era, "--format", "json", "--quiet"];
  return run(here("node_modules/.bin/node"), [program, ...how, ...what, ...server], PATIENCE);
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
