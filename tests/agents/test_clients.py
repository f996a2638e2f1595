"""Other people's clients, against a server as `make run` starts it."""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from contextlib import asynccontextmanager

import httpx2
import pytest
from django.conf import settings
from mcp import Client, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from tests.agents.agent import BEFORE, TODAY
from tests.deadline import SECONDS, eventually

VERSIONS = {"auto": TODAY, "legacy": BEFORE}

TEXT = "Our dog Rex is afraid of thunder"


class Account:
    """A user of the shared server, of a test's own."""

    def __init__(self, server):
        self.url = server.url
        self.user_id = f"agent-{uuid.uuid4().hex[:8]}"
        self.key = server.call("POST", "/users", json={"user_id": self.user_id})["api_key"]

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.key}"}

    @asynccontextmanager
    async def connected(self, path="/mcp", mode="auto", **options):
        async with (
            httpx2.AsyncClient(headers=self.headers, timeout=SECONDS) as http,
            Client(
                streamable_http_client(f"{self.url}{path}", http_client=http), mode=mode, **options
            ) as client,
        ):
            yield client

    @asynccontextmanager
    async def streaming(self, client_name="cursor"):
        address = f"{self.url}/mcp/{client_name}/sse/{self.user_id}"
        async with Client(
            sse_client(address, self.headers, timeout=SECONDS), mode="legacy"
        ) as client:
            yield client


@pytest.fixture
def account(shared_server):
    return Account(shared_server)


@pytest.mark.parametrize("transport", ["http", "sse"])
def test_the_name_of_an_app_may_have_a_slash(transport, account):
    async def use():
        path = f"/mcp/My%20App%2F1/http/{account.user_id}"
        connection = (
            account.connected(path) if transport == "http" else account.streaming("My%20App%2F1")
        )
        async with connection as client:
            return await client.call_tool("add_memories", {"text": TEXT})

    result = asyncio.run(use())

    assert not result.is_error, result.content
    headers = {"Authorization": f"Bearer {account.key}"}
    apps = httpx2.get(f"{account.url}/api/v1/apps", headers=headers).json()["apps"]
    assert [app["name"] for app in apps] == ["My App/1"]


@pytest.mark.parametrize("mode", VERSIONS)
def test_the_official_client_remembers_and_recalls(mode, account):
    async def use():
        async with account.connected(mode=mode) as client:
            added = await client.call_tool("add_memory", {"text": TEXT})
            found = await client.call_tool("search_memories", {"query": "What scares the dog?"})
            resources = await client.list_resources()
            read = await client.read_resource(str(resources.resources[0].uri))
            prompt = await client.get_prompt("recall", {"topic": "dogs"})
            return client.protocol_version, added, found, read, prompt

    version, added, found, read, prompt = asyncio.run(use())

    assert version == VERSIONS[mode]
    assert not added.is_error
    assert [memory["text"] for memory in found.structured_content["memories"]] == [TEXT]
    assert TEXT in read.contents[0].text
    assert TEXT in prompt.messages[0].content.text


@pytest.mark.parametrize("mode", VERSIONS)
def test_the_address_of_the_original_serves_the_official_client(mode, account):
    async def use():
        address = f"/mcp/claude/http/{account.user_id}"
        async with account.connected(address, mode) as client:
            await client.call_tool("add_memories", {"text": TEXT})
            return await client.call_tool("search_memory", {"query": "What scares the dog?"})

    assert TEXT in asyncio.run(use()).content[0].text


def test_the_oldest_transport_answers_whichever_process_a_message_reaches(account):
    async def use():
        async with account.streaming() as client:
            await client.call_tool("add_memories", {"text": TEXT})
            return [await client.call_tool("list_memories", {}) for _ in range(10)]

    assert all(TEXT in answer.content[0].text for answer in asyncio.run(use()))


def test_a_person_is_asked_before_everything_is_forgotten(account):
    asked = []

    async def answer(context, question):
        asked.append(question.message)
        return ElicitResult(action="accept", content={"forget_everything": len(asked) > 1})

    async def use():
        async with account.connected(elicitation_callback=answer) as client:
            await client.call_tool("add_memory", {"text": TEXT})
            return [await client.call_tool("delete_all_memories", {}) for _ in range(2)]

    refused, done = asyncio.run(use())

    assert refused.is_error
    assert done.structured_content == {"deleted": 1}
    assert all("Delete all 1 memories?" in question for question in asked)


def test_a_person_who_declines_keeps_everything(account):
    async def answer(context, question):
        return ElicitResult(action="decline")

    async def use():
        async with account.connected(elicitation_callback=answer) as client:
            await client.call_tool("add_memory", {"text": TEXT})
            refused = await client.call_tool("delete_all_memories", {"confirm": True})
            return refused, await client.call_tool("get_memories", {})

    refused, listed = asyncio.run(use())

    assert refused.is_error
    assert len(listed.structured_content["memories"]) == 1


def test_fifty_agents_at_once_each_read_what_they_wrote(account):
    async def one(number):
        mode = "auto" if number % 2 else "legacy"
        async with account.connected(f"/mcp?app=agent-{number}", mode) as client:
            text = f"Agent {number} was here"
            await client.call_tool("add_memory", {"text": text, "infer": False})
            found = await client.call_tool("search_memories", {"query": text, "limit": 1})
            return [memory["text"] for memory in found.structured_content["memories"]] == [text]

    async def use():
        return await asyncio.gather(*(one(number) for number in range(50)))

    assert all(asyncio.run(use()))


def test_a_program_on_this_machine_speaks_over_standard_input(account, shared_server):
    async def use():
        command = [str(settings.BASE_DIR / "manage.py"), "mcp_stdio", "--user", account.user_id]
        process = StdioServerParameters(
            command=sys.executable,
            args=[*command, "--app", "desk"],
            env={**os.environ, **shared_server.environment},
        )
        async with Client(process) as client:
            added = await client.call_tool("add_memory", {"text": TEXT})
            version = client.protocol_version
        return version, added, await texts_over_http(account)

    version, added, texts = asyncio.run(use())

    assert version == TODAY
    assert added.structured_content["app"] == "desk"
    assert texts == [TEXT]


async def texts_over_http(account):
    async with account.connected() as client:
        listed = await client.call_tool("get_memories", {})
        return [memory["text"] for memory in listed.structured_content["memories"]]


def test_clients_do_not_notice_that_the_server_was_started_again(account, shared_server):
    before = shared_server.child("server.all_in_one")
    workers = before.children(recursive=True)

    def started_again():
        return (
            not any(each.is_running() for each in [before, *workers]) and shared_server.is_ready()
        )

    async def use():
        async with account.connected() as today, account.connected(mode="legacy") as old:
            await today.call_tool("add_memory", {"text": TEXT})
            before.kill()
            assert await asyncio.to_thread(eventually, started_again)
            return [await client.call_tool("get_memories", {}) for client in (today, old)]

    for listed in asyncio.run(use()):
        assert [memory["text"] for memory in listed.structured_content["memories"]] == [TEXT]


@pytest.mark.parametrize("mode", VERSIONS)
def test_a_client_filters_by_metadata(mode, account):
    high = {"rank": {"gte": 4}}

    async def use():
        async with account.connected(mode=mode) as client:
            for rank in (1, 4):
                text = {"text": f"Tea number {rank}", "infer": False, "metadata": {"rank": rank}}
                await client.call_tool("add_memory", text)
            searched = await client.call_tool("search_memories", {"query": "tea", "metadata": high})
            listed = await client.call_tool("get_memories", {"filters": {"metadata": high}})
            refused = await client.call_tool("get_memories", {"metadata": {"rank": {"gtee": 4}}})
            return searched, listed, refused

    *answers, refused = asyncio.run(use())

    for answer in answers:
        memories = answer.structured_content["memories"]
        assert [memory["text"] for memory in memories] == ["Tea number 4"]
    assert refused.is_error
    assert "Did you mean `gte`?" in refused.content[0].text
