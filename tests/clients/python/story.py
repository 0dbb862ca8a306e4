"""What every client does with the server, whatever its package.

A session has `version`, `tools()`, `call(tool, arguments, on_progress)`, which gives the result as the
protocol has it, and `completed`. `connect(account, answer, server)` opens one; `answer` replies to
elicitations, and without it the client declares none. Without a `server`, the session has one of its
own.
"""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path

from mcp import MCPError, UrlElicitationRequiredError
from mcp_types import ElicitCompleteNotification

from browser import visit

STORY = json.loads((Path(__file__).parent.parent / "story.json").read_text())
# How many seconds one part may take.
PATIENCE = 60
LIST = {"repository": "acme/shop", "limit": 6}
UNLINKED = re.compile("unlinked|no longer linked", re.IGNORECASE)
SUBJECTS = {"linked": "auth0|ana", "limited": "auth0|ben", "guest": "auth0|gus"}


class Completed:
    """The elicitations that a server called complete."""

    def __init__(self):
        self.ids, self.some = [], asyncio.Event()

    async def hear(self, message):
        notification = getattr(message, "root", message)
        if isinstance(notification, ElicitCompleteNotification):
            self.ids.append(notification.params.elicitation_id)
            self.some.set()


async def play(version, over, connect, serve):
    """Plays the whole story in one era of the protocol, `over` stdio or http."""
    http = over == "http"
    # With sessions of the old protocol, the server over HTTP asks for a page by refusing the call.
    by_refusal = http and version == "2025-11-25"
    linking = [opens_the_page_of_the_refusal] if by_refusal else [opens_the_page, changes_its_mind]
    people = [many_people(serve)] if http else []
    for part in (reads, refusals, reviews_and_merges, *linking, reads_the_link, *people):
        try:
            await asyncio.wait_for(part(connect, version, over), PATIENCE)
        except Exception as error:
            raise AssertionError(f"{version}, {part.__name__}") from error


async def reads(connect, version, over):
    async with connect("linked") as session:
        assert session.version == version, session.version
        tools = await session.tools()
        assert all(tool.output_schema and tool.annotations for tool in tools)
        readers = {tool.name for tool in tools if tool.annotations.read_only_hint}
        administration = STORY["administration"]
        uncalled = readers - {read["tool"] for read in STORY["reads"] + administration}
        assert not uncalled, f"tools that no read calls: {uncalled}"
        # Over HTTP they need a scope that no client gets by the way.
        for read in STORY["reads"] + ([] if over == "http" else administration):
            await answer(session, read["tool"], read["arguments"])

        first = await answer(session, "list_pull_requests", LIST)
        cursor = first.structured_content["next_cursor"]
        second = await answer(session, "list_pull_requests", {**LIST, "cursor": cursor})
        numbers = {
            pull_request["number"]
            for page in (first, second)
            for pull_request in page.structured_content["pull_requests"]
        }
        assert len(numbers) == 12, f"two pages of six: {numbers}"


async def refusals(connect, *_):
    async with connect("limited") as session:
        for error in STORY["errors"]:
            await refused(session, error["tool"], error["arguments"], error["says"])
        await refused(session, "review_pull_request", STORY["review"], "missing_scope")
        try:
            await session.call("no_such_tool", {})
        except Exception as error:
            assert "unknown tool `no_such_tool`" in str(error), error
        else:
            raise AssertionError("an unknown tool should be an error")


async def reviews_and_merges(connect, *_):
    replies = iter([("decline", None), ("accept", {"approve": False}), ("accept", {"approve": True})])
    asked = []

    def reply(request):
        asked.append(request)
        return next(replies)

    async with connect("linked", reply) as session:
        await session.tools()
        given = {"repository": "acme/shop", "number": 42}
        before = await answer(session, "get_pull_request", given)
        heard = []
        reviewed = await answer(session, "review_pull_request", STORY["review"], heard.append)
        assert heard and heard == sorted(set(heard)), f"progress must grow: {heard}"
        assert "approve" in text(reviewed)
        assert not asked, "a review needs no approval"

        head = before.structured_content["source"]["head"]
        merge = {**STORY["merge"], "expected_head": head}
        await refused(session, "merge_pull_request", merge, "refused")
        await refused(session, "merge_pull_request", merge, "refused")
        merged = await answer(session, "merge_pull_request", merge)
        assert "merged" in text(merged).lower(), text(merged)
        assert len(asked) == 3
        for request in asked:
            assert "Merge pull request #42 of acme/shop?" in request.message
            assert list(request.requested_schema["properties"]) == ["approve"]


async def opens_the_page(connect, _, over):
    asked, pages = [], []

    def reply(request):
        asked.append(request)
        pages.append(asyncio.create_task(asyncio.to_thread(visit, request.url, "guest")))
        return "accept", None

    async with connect("guest", reply) as session:
        await session.tools()
        await answer(session, "list_workspaces", {})
        assert [request.mode for request in asked] == ["url"]
        assert "linked" in await pages[0]
        unlinked = await answer(session, "unlink_account", {})
        assert "unlinked" in text(unlinked), text(unlinked)
        # Over HTTP only the person can unlink, on a page.
        assert len(pages) == (2 if over == "http" else 1)
        assert over == "stdio" or UNLINKED.search(await pages[1]), await pages[1]


async def opens_the_page_of_the_refusal(connect, *_):
    def reply(request):
        raise AssertionError(f"the server asks: {request}")

    async with connect("guest", reply) as session:
        await session.tools()
        page = await page_of_the_refusal(session, "list_workspaces", {})
        assert "linked" in await asyncio.to_thread(visit, page.url, "guest")
        await session.completed.some.wait()
        assert session.completed.ids == [page.elicitation_id]
        await answer(session, "list_workspaces", {})
        page = await page_of_the_refusal(session, "unlink_account", {})
        said = await asyncio.to_thread(visit, page.url, "guest")
        assert UNLINKED.search(said), said
        await page_of_the_refusal(session, "list_workspaces", {})


def many_people(serve):
    async def many_people(connect, *_):
        async with serve() as server, AsyncExitStack() as stack:
            sessions = [
                (subject, await stack.enter_async_context(connect(account, None, server)))
                for account, subject in SUBJECTS.items()
            ]
            asked = [(subject, answer(session, "get_account", {})) for subject, session in sessions * 5]
            answers = await asyncio.gather(*(call for _, call in asked))
            for (subject, _), said in zip(asked, answers):
                assert said.structured_content["subject"] == subject, said

    return many_people


async def reads_the_link(connect, *_):
    async with connect("guest") as session:
        await session.tools()
        said = await refused(session, "list_workspaces", {}, "not_linked")
        url = re.search(r"http://127\.0\.0\.1:\d+/\S+", said).group()
        assert "linked" in await asyncio.to_thread(visit, url, "guest")
        await answer(session, "list_workspaces", {})


async def changes_its_mind(connect, *_):
    asked = []

    def reply(request):
        asked.append(request)
        return ("decline" if len(asked) == 1 else "accept"), None

    async with connect("guest", reply) as session:
        await session.tools()
        await refused(session, "link_account", {}, "refused")
        # The call waits for a page that nobody opens, until it is cancelled.
        call = asyncio.create_task(session.call("link_account", {}))
        await asyncio.sleep(0.4)
        assert not call.done()
        call.cancel()
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], asyncio.CancelledError)
        # The link outlives the call, and the server goes on.
        assert "linked" in await asyncio.to_thread(visit, asked[-1].url, "guest")
        await answer(session, "list_workspaces", {})


async def answer(session, tool, given, on_progress=None):
    """Calls a tool that must succeed. The package checks the answer against the output schema."""
    result = await session.call(tool, given, on_progress)
    assert not result.is_error, f"{tool}: {text(result)}"
    assert result.structured_content, f"{tool} has no structured content"
    assert text(result), f"{tool} says nothing"
    return result


async def refused(session, tool, given, code):
    """Calls a tool that must say no, in the words of the contract."""
    result = await session.call(tool, given)
    assert result.is_error, f"{tool} should be refused: {text(result)}"
    assert re.match(rf"{code}: [^\n]+\nhint: ", text(result)), text(result)
    assert result.structured_content is None
    return text(result)


async def page_of_the_refusal(session, tool, given):
    """Calls a tool that needs a page first; gives the elicitation that the refusal holds."""
    try:
        result = await session.call(tool, given)
    except MCPError as error:
        pages = UrlElicitationRequiredError.from_error(error.error).elicitations
    else:
        raise AssertionError(f"{tool} should ask for a page: {result}")
    assert [page.mode for page in pages] == ["url"], pages
    return pages[0]


def text(result):
    return result.content[0].text
