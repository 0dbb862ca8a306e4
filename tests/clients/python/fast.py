"""FastMCP's client, in both eras of the protocol: `python fast.py SERVER`."""

import asyncio
import sys
from contextlib import asynccontextmanager

from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport

from story import play


class Session:
    def __init__(self, client):
        self.client = client
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
    async def connect(account, answer=None):
        async def elicited(_message, _type, request, _context):
            action, content = answer(request)
            return ElicitResult(action=action, content=content)

        arguments = ["stdio", "--sandbox", "--as", account]
        transport = StdioTransport(sys.argv[1], arguments, keep_alive=False)
        handler = elicited if answer else None
        async with Client(transport, mode=mode, elicitation_handler=handler) as client:
            yield Session(client)

    return connect


async def main():
    await asyncio.gather(
        play("2025-11-25", connect_in("legacy")), play("2026-07-28", connect_in("auto"))
    )


asyncio.run(main())
