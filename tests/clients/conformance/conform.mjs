// The official conformance suite against `http --sandbox`: `node conform.mjs SERVER`.
//
// It runs what two revisions of the protocol require of a server. `expected-failures.yml` holds what
// needs tools, prompts and resources of the suite's own; an entry that passes is a failure too.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { serve } from "../server.mjs";
import { proxy } from "./proxy.mjs";

const REVISIONS = ["2025-11-25", "2026-07-28"];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const server = await serve(process.argv[2]);
const { url, close } = await proxy(server.url, server.headers("linked"));
const results = mkdtempSync(join(tmpdir(), "conformance-"));
try {
  const failed = [];
  for (const revision of REVISIONS) {
    if (!(await conforms(revision))) failed.push(revision);
  }
  if (failed.length > 0) throw new Error(`the server does not conform to ${failed.join(" and ")}`);
} finally {
  close();
  rmSync(results, { recursive: true });
  await server.stop();
}

async function conforms(revision) {
  const program = here("node_modules/.bin/conformance");
  const how = ["--requirements", revision, "--expected-failures", here("expected-failures.yml")];
  const suite = spawn(
    here("node_modules/.bin/node"),
    [program, "server", "--url", url.href, ...how, "--output-dir", join(results, revision)],
    { stdio: "inherit" },
  );
  const [code] = await once(suite, "exit");
  return code === 0;
}
