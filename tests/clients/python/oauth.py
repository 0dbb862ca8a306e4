"""The Python SDK and FastMCP find their own way in: `python oauth.py SERVER|URL [CLIENT]`, where CLIENT
is the URL of a client's document.

A client knows nothing but the server's URL. The refusal names the metadata, that names the
authorization server; there the client registers or shows its document, the person signs in and
agrees, and the code becomes a token for this server alone. A call beyond its scopes asks for more.
"""

import asyncio
import socket
import sys
import threading
import webbrowser
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic, sleep
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import fastmcp
from fastmcp.client.auth import OAuth
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from browser import visit
from server import serve
from story import STORY

READ, WRITE = "bitbucket:read", "bitbucket:write"
# How many seconds one client may take.
PATIENCE = 90
WHERE, CLIENT = (*sys.argv[1:], None)[:2]


class Person(webbrowser.BaseBrowser):
    """Somebody in front of a client. `grants` are the scopes that they agree to; all when absent."""

    def __init__(self):
        super().__init__()
        self.asked, self.grants, self.seen = [], READ, []

    def open(self, url, new=0, autoraise=True):
        self.asked.append(parse_qs(urlsplit(url).query))
        threading.Thread(target=self.visit, args=(url,)).start()
        return True

    def visit(self, url):
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        await_listener(urlsplit(query["redirect_uri"]))
        if self.grants:
            query["scope"] = self.grants
        self.seen.append(visit(parts._replace(query=urlencode(query)).geturl(), "linked"))


def await_listener(address):
    """Waits until somebody listens there: FastMCP opens the browser first."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        try:
            socket.create_connection((address.hostname, address.port), timeout=1).close()
            return
        except OSError:
            sleep(0.05)


class Callback(HTTPServer):
    """The place where browsers bring what the authorization server gave them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), CallbackHandler)
        self.url = f"http://127.0.0.1:{self.server_port}/callback"
        self.loop, self.came = asyncio.get_running_loop(), asyncio.Queue()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    async def next(self):
        query = await self.came.get()
        return AuthorizationCodeResult(code=query["code"], state=query["state"], iss=query["iss"])


class CallbackHandler(BaseHTTPRequestHandler):
    def do_GET(self):
        query = dict(parse_qsl(urlsplit(self.path).query))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"You can go back to your client.")
        if query:
            self.server.loop.call_soon_threadsafe(self.server.came.put_nowait, query)

    def log_message(self, *_):
        pass


class Storage:
    """Keeps what a client knows for as long as it lives."""

    tokens = information = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.information

    async def set_client_info(self, information):
        self.information = information


@asynccontextmanager
async def official(url, person):
    callback = Callback()

    async def opened(authorization_url):
        person.open(authorization_url)

    metadata = OAuthClientMetadata(
        client_name="Python SDK", redirect_uris=[callback.url], token_endpoint_auth_method="none"
    )
    provider = OAuthClientProvider(url, metadata, Storage(), opened, callback.next, CLIENT)
    async with create_mcp_http_client(auth=provider) as http_client:
        async with Client(streamable_http_client(url, http_client=http_client)) as client:
            yield client.call_tool
    callback.shutdown()
    callback.server_close()


@asynccontextmanager
async def fast(url, person):
    webbrowser.register("person", None, person, preferred=True)
    async with fastmcp.Client(url, auth=OAuth(client_name="FastMCP", client_metadata_url=CLIENT)) as client:
        yield client.call_tool_mcp


@asynccontextmanager
async def place():
    if WHERE.startswith("http"):
        yield WHERE
    else:
        async with serve(WHERE) as server:
            yield server.url


async def dances(client):
    person = Person()
    async with place() as url, client(url, person) as call:
        account = await call("get_account", {})
        assert account.structured_content["subject"] == "auth0|ana", account
        [asked] = person.asked
        assert asked["resource"] == [url], asked
        assert asked["code_challenge_method"] == ["S256"], asked
        [client_id] = asked["client_id"]
        assert client_id == CLIENT if CLIENT else client_id.startswith("tpc_"), asked
        assert scopes_of(asked) == {READ, WRITE}, asked
        for read in STORY["reads"]:
            result = await call(read["tool"], read["arguments"])
            assert not result.is_error, result
        assert len(person.asked) == 1
        # To write, the client asks for more.
        person.grants = None
        reviewed = await call("review_pull_request", STORY["review"])
        assert not reviewed.is_error, reviewed
        assert len(person.asked) == 2
        assert scopes_of(person.asked[1]) == {READ, WRITE}, person.asked


def scopes_of(asked):
    # Clients may add a scope that the authorization server offers for refresh tokens.
    return set(asked["scope"][0].split()) - {"offline_access"}


async def main():
    for client in (official, fast):
        try:
            await asyncio.wait_for(dances(client), PATIENCE)
        except Exception as error:
            raise AssertionError(client.__name__) from error


asyncio.run(main())
