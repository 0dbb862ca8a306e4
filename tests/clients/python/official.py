"""The Python SDK, in both eras of the protocol: `python official.py SERVER`."""

import asyncio
import sys
from contextlib import asynccontextmanager

from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

from story import play


class Session:
    def __init__(self, client):
        self.client = client
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
    async def connect(account, answer=None):
        async def elicited(_context, request):
            action, content = answer(request)
            return ElicitResult(action=action, content=content)

        server = StdioServerParameters(
            command=sys.argv[1], args=["stdio", "--sandbox", "--as", account]
        )
        callback = elicited if answer else None
        async with Client(server, mode=mode, elicitation_callback=callback) as client:
            yield Session(client)

    return connect


async def main():
    await asyncio.gather(
        play("2025-11-25", connect_in("legacy")), play("2026-07-28", connect_in("auto"))
    )


asyncio.run(main())
