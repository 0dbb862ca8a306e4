"""FastMCP's client, in both eras of the protocol: `python fast.py SERVER stdio|http`."""

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

from server import serve
from story import Completed, play

COMMAND, OVER = sys.argv[1:3]


class Session:
    def __init__(self, client, completed):
        self.client = client
        self.completed = completed
        self.version = client.session.protocol_version

    async def tools(self):
        return await self.client.list_tools()

    async def call(self, tool, given, on_progress=None):
        async def heard(progress, total, message):
            on_progress(progress)

        return await self.client.call_tool_mcp(
            tool, given, progress_handler=heard if on_progress else None
        )


def connect_in(mode):
    @asynccontextmanager
    async def connect(account, answer=None, shared=None):
        completed = Completed()

        async def elicited(_message, _type, request, _context):
            action, content = answer(request)
            return ElicitResult(action=action, content=content)

        async with AsyncExitStack() as stack:
            if OVER == "http":
                server = shared or await stack.enter_async_context(serve(COMMAND))
                transport = StreamableHttpTransport(server.url, auth=server.tokens[account])
            else:
                arguments = ["stdio", "--sandbox", "--as", account]
                transport = StdioTransport(COMMAND, arguments, keep_alive=False)
            client = Client(
                transport,
                mode=mode,
                elicitation_handler=elicited if answer else None,
                message_handler=completed.hear,
            )
            yield Session(await stack.enter_async_context(client), completed)

    return connect


async def main():
    await asyncio.gather(
        play("2025-11-25", OVER, connect_in("legacy"), lambda: serve(COMMAND)),
        play("2026-07-28", OVER, connect_in("auto"), lambda: serve(COMMAND)),
    )


asyncio.run(main())
