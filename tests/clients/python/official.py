"""The Python SDK, in both eras of the protocol: `python official.py SERVER stdio|http`."""

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp_types import ElicitResult

from server import serve
from story import Completed, play

COMMAND, OVER = sys.argv[1:3]


class Session:
    def __init__(self, client, completed):
        self.client = client
        self.completed = completed
        self.version = client.protocol_version

    async def tools(self):
        return (await self.client.list_tools()).tools

    async def call(self, tool, given, on_progress=None):
        async def heard(progress, total, message):
            on_progress(progress)

        return await self.client.call_tool(
            tool, given, progress_callback=heard if on_progress else None
        )


def connect_in(mode):
    @asynccontextmanager
    async def connect(account, answer=None, shared=None):
        completed = Completed()

        async def elicited(_context, request):
            action, content = answer(request)
            return ElicitResult(action=action, content=content)

        async with AsyncExitStack() as stack:
            if OVER == "http":
                server = shared or await stack.enter_async_context(serve(COMMAND))
                headers = server.headers(account)
                http_client = await stack.enter_async_context(create_mcp_http_client(headers))
                place = streamable_http_client(server.url, http_client=http_client)
            else:
                arguments = ["stdio", "--sandbox", "--as", account]
                place = StdioServerParameters(command=COMMAND, args=arguments)
            client = Client(
                place,
                mode=mode,
                elicitation_callback=elicited if answer else None,
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
