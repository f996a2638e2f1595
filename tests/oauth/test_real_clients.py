"""The official clients, from the bare address, against a server behind TLS on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import select
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import requests
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from tests.agents.test_node import WITH_INSPECTOR, packages
from tests.deadline import SECONDS
from tests.oauth.certificate import make_certificate
from tests.oauth.person import Person
from tests.oauth.program import REGISTRATION, Program, query_of
from tests.oauth.tls_relay import TlsRelay
from tests.server.processes import Server

__all__ = ["packages"]

pytestmark = pytest.mark.slow

TEXT = "Our dog Rex is afraid of thunder"


class SecureServer(Server):
    """A server behind TLS. `authority` signs its certificate."""

    def __init__(self, folder, certificate, relay):
        public = {"OPENMEMORY_PUBLIC_URL": relay.url, "OPENMEMORY_TRUSTED_PROXIES": "1"}
        # It fetches no document of a product from the internet.
        trust = {"SSL_CERT_FILE": str(certificate.file), "OPENMEMORY_OAUTH_DOCUMENTS": "0"}
        super().__init__(
            folder / "var", USER="default_user", OPENMEMORY_WEB_PROCESSES="1", **public, **trust
        )
        self.authority, self.origin = certificate.file, relay.url
        self.mcp = f"{relay.url}/mcp"

    def person(self):
        link = self.output_of("sign_in_link", "default_user")
        return Person(self.origin, link, authority=self.authority)

    def call(self, method, path, **request):
        answer = requests.request(
            method,
            f"{self.url}/api/v1{path}",
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=SECONDS,
            **request,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def key_of(self, app):
        [key] = [each for each in self.call("GET", "/keys")["items"] if each["app"] == app]
        return key

    def expire(self, app):
        """Have the access token of an app expire, as an hour would."""
        statement = (
            "from accounts.models import ApiKey; from django.utils import timezone; "
            f"ApiKey.objects.filter(app_name={app!r}).update(expires_at=timezone.now())"
        )
        self.output_of("shell", "--no-imports", "-c", statement)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[SecureServer]:
    folder = tmp_path_factory.mktemp("secure")
    certificate = make_certificate(folder)
    relay = TlsRelay(certificate)
    server = SecureServer(folder, certificate, relay)
    try:
        server.start()
        relay.start(server.port)
        server.call("POST", "/memories", json={"text": TEXT, "infer": False})
        yield server
    finally:
        relay.stop()
        server.kill_everything()


class Storage:
    """What a client of the SDK keeps."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class SignInAgain(Exception):
    """The client opens the browser a second time."""


def test_the_python_client_connects_from_the_bare_address(server):
    person, storage, sent, found = server.person(), Storage(), [], []

    async def open_browser(address):
        if sent:
            raise SignInAgain
        sent.append(person.allow(address, app="python"))

    async def wait_for_browser():
        values = {name: each[0] for name, each in parse_qs(urlsplit(sent[-1]).query).items()}
        return AuthorizationCodeResult(**values)

    metadata = OAuthClientMetadata(
        client_name="Python", redirect_uris=["http://localhost:3030/callback"]
    )
    provider = OAuthClientProvider(server.mcp, metadata, storage, open_browser, wait_for_browser)

    async def run():
        context = ssl.create_default_context(cafile=str(server.authority))
        async with (
            httpx2.AsyncClient(auth=provider, verify=context, timeout=SECONDS) as http,
            streamable_http_client(server.mcp, http_client=http) as streams,
            ClientSession(streams[0], streams[1]) as session,
        ):
            await session.initialize()
            found.append(await session.call_tool("search_memories", {"query": "dog"}))
            former = storage.tokens
            provider.context.token_expiry_time = 1  # it thinks that its token has expired
            found.append(await session.call_tool("search_memories", {"query": "dog"}))
            assert former.access_token != storage.tokens.access_token
            await asyncio.to_thread(server.call, "DELETE", f"/keys/{server.key_of('python')['id']}")
            found.append(await session.call_tool("search_memories", {"query": "dog"}))

    with pytest.raises(ExceptionGroup) as refused:
        asyncio.run(run())

    assert refused.group_contains(SignInAgain)
    assert [TEXT in each.content[0].text for each in found] == [True, True]
    assert server.key_of("python")["last_used_at"]


def test_the_typescript_client_connects_from_the_bare_address(server, packages):
    person = server.person()
    program = subprocess.Popen(
        ["node", "connect.mjs", server.mcp],
        cwd=packages,
        env={**os.environ, "NODE_EXTRA_CA_CERTS": str(server.authority)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:

        def hear():
            line = program.stdout.readline()
            assert line, "The client ended early."
            return json.loads(line)

        def tell(text):
            program.stdin.write(f"{text}\n")
            program.stdin.flush()

        tell(person.allow(hear()["open"], app="typescript"))
        connected = hear()
        server.expire("typescript")
        tell("go on")
        renewed = hear()
        server.call("DELETE", f"/keys/{server.key_of('typescript')['id']}")
        tell("go on")
        revoked = hear()

    assert {"search", "fetch", "search_memories", "add_memory"} <= set(connected["tools"])
    assert TEXT in renewed["found"]
    assert renewed["renewed"] is True
    assert revoked["refused"] is True


INSPECTOR = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"


@pytest.mark.skipif(not WITH_INSPECTOR, reason="TEST_INSPECTOR=1 also installs the inspector.")
def test_the_inspector_connects_from_the_bare_address(server, packages, tmp_path):
    person = server.person()
    asked = ["--method", "tools/call", "--tool-name", "search_memories", "--tool-arg", "query=dog"]
    command = ["node", str(packages / INSPECTOR), "--cli", server.mcp, "--transport", "http"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "NODE_EXTRA_CA_CERTS": str(server.authority),
        "MCP_AUTO_OPEN_ENABLED": "false",
        "MCP_INSPECTOR_SECRET_STORE": "file",
    }

    def run(*options, **streams):
        return subprocess.Popen(
            [*command, *options, *asked], env=environment, stdout=subprocess.PIPE, text=True,
            stdin=subprocess.DEVNULL, **streams,
        )  # fmt: skip

    # It says where to sign in to a terminal only.
    ours, theirs = pty.openpty()
    with run(stderr=theirs) as program:
        os.close(theirs)
        address = re.compile(rf"({server.origin}/oauth/authorize[^\s\x1b\a]+)[\s\x1b\a]")
        said = ""
        while not (found := address.search(said)):
            assert select.select([ours], [], [], SECONDS)[0], said
            said += os.read(ours, 65_536).decode()
        back = person.allow(found[1], app="inspector")
        assert requests.get(back, timeout=SECONDS).status_code == 200
        first = json.loads(program.communicate(timeout=SECONDS)[0])
    os.close(ours)
    with run("--stored-auth-only", stderr=subprocess.DEVNULL) as program:
        second = json.loads(program.communicate(timeout=SECONDS)[0])
    server.call("DELETE", f"/keys/{server.key_of('inspector')['id']}")
    with run("--stored-auth-only", stderr=subprocess.PIPE) as program:
        refused = program.communicate(timeout=SECONDS)[1]

    assert TEXT in first["content"][0]["text"]
    assert TEXT in second["content"][0]["text"]
    assert "auth_required" in refused


def test_a_code_and_a_refresh_token_work_once_also_at_the_same_moment(server):
    http = requests.Session()
    http.verify = str(server.authority)
    registered = http.post(f"{server.origin}/oauth/register", json=REGISTRATION, timeout=SECONDS)
    program = Program(registered.json()["client_id"])
    person = server.person()

    def connect():
        address = server.origin + program.address(resource=server.mcp)
        code = query_of(person.allow(address, app="race"))["code"]
        return {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": program.redirect_uri,
            "code_verifier": program.verifier,
            "client_id": program.client_id,
        }

    def send(values):
        return http.post(f"{server.origin}/oauth/token", data=values, timeout=SECONDS)

    def send_at_once(values):
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(send, [values] * 8))
        return [answer.json() for answer in answers if answer.status_code == 200]

    codes = send_at_once(connect())
    tokens = send(connect()).json()
    refresh = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": program.client_id,
    }
    renewed = send_at_once(refresh)

    assert len(codes) == len(renewed) == 1
    for each in (codes[0], renewed[0]):
        key = {"Authorization": f"Bearer {each['access_token']}"}
        refused = http.post(server.mcp, json={}, headers=key, timeout=SECONDS)
        assert refused.status_code == 401
        assert refused.json()["code"] == "key_revoked"


def test_check_connector_goes_the_whole_way(server):
    said = server.output_of("check_connector", server.mcp, "--user", "default_user")

    assert said.count("Revoked, the token is refused.") == 2
    assert "with fetch, search" in said
    assert "claude.ai and ChatGPT need a public address" in said
    assert "Nothing stands in the way." in said
    assert "check_connector" not in str(server.call("GET", "/keys"))
