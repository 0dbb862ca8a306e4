"""The built server as many people reach it: `http --sandbox` on a free port."""

import asyncio
import os
import re
from contextlib import asynccontextmanager

ACCOUNTS = ("linked", "limited", "guest")
# How many seconds it may take to start, and to end.
PATIENCE = 30


class Server:
    """Where it is, and the access token of everybody's client."""

    def __init__(self, url, tokens):
        self.url = url
        self.tokens = tokens

    def headers(self, account):
        return {"Authorization": f"Bearer {self.tokens[account]}"}


@asynccontextmanager
async def serve(command):
    settings = {"BITBUCKET_MCP_LISTEN": "127.0.0.1:0"}
    process = await asyncio.create_subprocess_exec(
        command, "http", "--sandbox", env={**os.environ, **settings}, stderr=asyncio.subprocess.PIPE
    )
    try:
        server = await asyncio.wait_for(introduction(process.stderr), PATIENCE)
        # The rest is read so that the pipe never fills up.
        rest = asyncio.create_task(process.stderr.read())
        yield server
        # It ends by itself once nobody waits for an answer.
        process.terminate()
        code = await asyncio.wait_for(process.wait(), PATIENCE)
        assert code == 0, f"the server did not end well: {code}\n{(await rest).decode()}"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def introduction(lines):
    """Reads what the server says of itself at the start."""
    said = ""
    async for line in lines:
        said += line.decode()
        url = re.search(r"https?://[^\s/]+/mcp\b", said)
        found = {name: re.search(rf"\b{name}\b.*\s(eyJ[\w.-]+)\s", said) for name in ACCOUNTS}
        if url and all(found.values()):
            return Server(url.group(), {name: token.group(1) for name, token in found.items()})
    raise AssertionError(f"the server did not start:\n{said}")
