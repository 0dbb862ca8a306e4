// What every client does with the server, whatever its SDK.
//
// `connect(account, answer, server)` gives a session: `version()`, `tools()`, `call(tool, arguments,
// options)`, `pages(error)` (the elicitations that a refusal of the protocol holds), `completed`
// (elicitations that the server called complete), `complaints` (of the SDK about the server) and
// `close()`. `answer` replies to elicitations; without it the client declares none. Without a
// `server`, the session has one of its own.

import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

import { visit } from "./browser.mjs";

/** Calls for every client. */
export const story = JSON.parse(readFileSync(new URL("../story.json", import.meta.url)));
// Where a notification and the answer after it arrive in one read, both SDKs handle the answer first
// and complain about the notification.
const LATE = /^Received a progress notification for an unknown token/;
const LIST = { repository: "acme/shop", limit: 6 };

/** Plays the whole story in one era of the protocol, `over` stdio or http. */
export async function play(version, over, connect, serve) {
  const http = over === "http";
  // With sessions of the old protocol, the server over HTTP asks for a page by refusing the call.
  const pages =
    http && version === "2025-11-25"
      ? { opensThePageOfTheRefusal, leavesThePageOfTheRefusal }
      : { opensThePage, changesItsMind };
  const people = http ? { manyPeople: (connected) => manyPeople(connected, serve) } : {};
  const parts = { reads, refusals, reviewsAndMerges, ...pages, readsTheLink, ...people };
  for (const [name, part] of Object.entries(parts)) {
    const sessions = [];
    const connected = async (...how) => {
      sessions.push(await connect(...how));
      return sessions.at(-1);
    };
    try {
      await part(connected, version, over);
      for (const { close, complaints } of sessions) {
        await close();
        assert.deepEqual(complaints.filter((complaint) => !LATE.test(complaint)), []);
      }
    } catch (error) {
      error.message = `${version}, ${name}: ${error.message}`;
      throw error;
    }
  }
}

/** The elicitations that a server called complete. */
export class Completed {
  #ids = [];
  #heard = new EventEmitter();

  add(id) {
    this.#ids.push(id);
    this.#heard.emit("one");
  }

  all() {
    return [...this.#ids];
  }

  /** Waits for the next one, unless there is one already. */
  async some() {
    if (this.#ids.length === 0) await once(this.#heard, "one", { signal: AbortSignal.timeout(20_000) });
    return this.all();
  }
}

async function reads(connect, version, over) {
  const session = await connect("linked");
  assert.equal(session.version(), version);
  const tools = await session.tools();
  for (const tool of tools) assert.ok(tool.outputSchema && tool.annotations, tool.name);
  const readers = tools.filter((tool) => tool.annotations.readOnlyHint).map((tool) => tool.name);
  const called = new Set([...story.reads, ...story.administration].map((read) => read.tool));
  assert.deepEqual(readers.filter((name) => !called.has(name)), [], "tools that no read calls");
  // Over HTTP they need a scope that no client gets by the way.
  const administration = over === "http" ? [] : story.administration;
  for (const read of [...story.reads, ...administration]) {
    await answer(session, read.tool, read.arguments);
  }

  const first = await answer(session, "list_pull_requests", LIST);
  const cursor = first.structuredContent.next_cursor;
  const second = await answer(session, "list_pull_requests", { ...LIST, cursor });
  const numbers = [first, second].flatMap(numbersOf);
  assert.equal(new Set(numbers).size, 12, `two pages of six: ${numbers}`);
}

async function refusals(connect) {
  const session = await connect("limited");
  for (const { tool, arguments: given, says } of story.errors) {
    await refused(session, tool, given, says);
  }
  await refused(session, "review_pull_request", story.review, "missing_scope");
  await assert.rejects(session.call("no_such_tool", {}), /unknown tool `no_such_tool`/);
}

async function reviewsAndMerges(connect) {
  const replies = [
    { action: "decline" },
    { action: "accept", content: { approve: false } },
    { action: "accept", content: { approve: true } },
  ];
  const asked = [];
  const session = await connect("linked", (request) => {
    asked.push(request);
    return replies[asked.length - 1];
  });
  await session.tools();
  const before = await answer(session, "get_pull_request", { repository: "acme/shop", number: 42 });
  const heard = [];
  const reviewed = await answer(session, "review_pull_request", story.review, {
    onprogress: (progress) => heard.push(progress),
  });
  assert.ok(heard.length + session.complaints.length > 0, "no progress was heard");
  for (const [index, { progress, message }] of heard.entries()) {
    assert.ok(message, "progress without words");
    assert.ok(index === 0 || progress > heard[index - 1].progress, "progress must grow");
  }
  assert.match(text(reviewed), /approve/i);
  assert.equal(asked.length, 0, "a review needs no approval");

  const { head } = before.structuredContent.source;
  assert.match(head, /^[0-9a-f]{7,40}$/);
  const merge = { ...story.merge, expected_head: head };
  await refused(session, "merge_pull_request", merge, "refused");
  await refused(session, "merge_pull_request", merge, "refused");
  const merged = await answer(session, "merge_pull_request", merge);
  assert.match(text(merged), /merged/i);
  assert.equal(asked.length, 3);
  for (const request of asked) {
    assert.match(request.message, /Merge pull request #42 of acme\/shop\?/);
    assert.deepEqual(Object.keys(request.requestedSchema.properties), ["approve"]);
  }
}

async function opensThePage(connect, version, over) {
  const asked = [];
  let page;
  const session = await connect("guest", (request) => {
    asked.push(request);
    page = visit(request.url, "guest");
    return { action: "accept" };
  });
  await session.tools();
  await answer(session, "list_workspaces", {});
  assert.match(await page, /linked/i);
  assert.deepEqual(asked.map((request) => request.mode), ["url"]);
  if (version === "2025-11-25") {
    assert.deepEqual(session.completed.all(), [asked[0].elicitationId]);
  }
  await answer(session, "get_account", {});
  const unlinked = await answer(session, "unlink_account", {});
  assert.match(text(unlinked), /unlinked/i);
  // Over HTTP only the person can unlink, on a page.
  assert.equal(asked.length, over === "http" ? 2 : 1);
  if (over === "http") assert.match(await page, /unlinked|no longer linked/i);
}

async function opensThePageOfTheRefusal(connect) {
  const session = await connect("guest", () => assert.fail("the server asks"));
  await session.tools();
  const request = await pageOfTheRefusal(session, "list_workspaces", {});
  assert.match(await visit(request.url, "guest"), /linked/i);
  assert.deepEqual(await session.completed.some(), [request.elicitationId]);
  await answer(session, "list_workspaces", {});
  await answer(session, "get_account", {});
  const unlinking = await pageOfTheRefusal(session, "unlink_account", {});
  assert.match(await visit(unlinking.url, "guest"), /unlinked|no longer linked/i);
  await pageOfTheRefusal(session, "list_workspaces", {});
}

async function leavesThePageOfTheRefusal(connect) {
  const session = await connect("guest", () => assert.fail("the server asks"));
  await session.tools();
  const first = await pageOfTheRefusal(session, "link_account", {});
  const again = await pageOfTheRefusal(session, "list_workspaces", {});
  assert.equal(again.url, first.url, "one page at a time");
  await answer(session, "get_account", {});
  assert.deepEqual(session.completed.all(), []);
}

async function manyPeople(connect, serve) {
  const server = await serve();
  const accounts = ["linked", "limited", "guest"];
  const sessions = await Promise.all(accounts.map((account) => connect(account, undefined, server)));
  const subjects = { linked: "auth0|ana", limited: "auth0|ben", guest: "auth0|gus" };
  const asked = Array.from({ length: 5 }, () => sessions).flat();
  const answers = await Promise.all(asked.map((session) => answer(session, "get_account", {})));
  for (const [index, { structuredContent }] of answers.entries()) {
    const account = accounts[index % accounts.length];
    assert.equal(structuredContent.subject, subjects[account]);
  }
  for (const session of sessions) await session.close();
  await server.stop();
}

async function readsTheLink(connect) {
  const session = await connect("guest");
  await session.tools();
  const said = await refused(session, "list_workspaces", {}, "not_linked");
  const url = said.match(/http:\/\/127\.0\.0\.1:\d+\/\S+/)[0];
  assert.match(await visit(url, "guest"), /linked/i);
  await answer(session, "list_workspaces", {});
}

async function changesItsMind(connect) {
  const asked = [];
  const session = await connect("guest", (request) => {
    asked.push(request);
    return { action: asked.length === 1 ? "decline" : "accept" };
  });
  await session.tools();
  await refused(session, "link_account", {}, "refused");

  // The call waits for a page that nobody opens, until it is cancelled.
  const stop = new AbortController();
  const call = session.call("link_account", {}, { signal: stop.signal });
  const outcome = assert.rejects(call, /cancel|abort|stopped/i);
  await pause(400);
  stop.abort("stopped");
  await outcome;
  // The link outlives the call, and the server goes on.
  assert.match(await visit(asked.at(-1).url, "guest"), /linked/i);
  await answer(session, "list_workspaces", {});
}

/** Calls a tool that must succeed. The SDK itself checks the answer against the output schema. */
async function answer(session, tool, given, options) {
  const result = await session.call(tool, given, options);
  assert.ok(!result.isError, `${tool}: ${text(result)}`);
  assert.ok(result.structuredContent, `${tool} has no structured content`);
  assert.ok(text(result).length > 0, `${tool} says nothing`);
  return result;
}

/** Calls a tool that must say no, in the words of the contract. */
async function refused(session, tool, given, code) {
  const result = await session.call(tool, given);
  assert.ok(result.isError, `${tool} should be refused: ${text(result)}`);
  assert.match(text(result), new RegExp(`^${code}: [^\\n]+\\nhint: `), tool);
  assert.equal(result.structuredContent, undefined);
  return text(result);
}

/** Calls a tool that needs a page first; gives the elicitation that the refusal holds. */
async function pageOfTheRefusal(session, tool, given) {
  const outcome = await session.call(tool, given).catch((error) => error);
  const pages = session.pages(outcome);
  assert.ok(pages, `${tool} should ask for a page: ${JSON.stringify(outcome)}`);
  assert.deepEqual(pages.map((page) => page.mode), ["url"]);
  return pages[0];
}

function numbersOf(result) {
  return result.structuredContent.pull_requests.map((pullRequest) => pullRequest.number);
}

function text(result) {
  return result.content[0].text;
}
