"""clients/python against the server in this process, and its async half against a running one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from tests.cast import Member

PACKAGE = Path(settings.BASE_DIR) / "clients" / "python"
sys.path.insert(0, str(PACKAGE / "src"))

import openmemory_client as om  # noqa: E402
from openmemory_client.adapters.memory_files import (  # noqa: E402
    CommandFailed,
    MemoryFiles,
)
from openmemory_client.adapters.store_filter import matches, to_metadata_filter  # noqa: E402


class InProcess(httpx.BaseTransport):
    """Calls the server in the transaction of the test."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "cookie"}
        answer = APIClient(raise_request_exception=False).generic(
            request.method,
            request.url.raw_path.decode(),
            request.read(),
            content_type=headers.get("content-type", ""),
            headers=headers,
        )
        return httpx.Response(
            answer.status_code, headers=list(answer.items()), content=answer.getvalue()
        )


def client_of(member: Member, **options: Any) -> om.Client:
    transport = InProcess()
    return om.Client("http://testserver", member.secret, transport=transport, **options)


@pytest.fixture
def client(alice: Member) -> om.Client:
    return client_of(alice, app="tests")


def test_a_memory_is_stored_read_changed_and_deleted(client: om.Client) -> None:
    moment = datetime(2024, 5, 3, tzinfo=UTC)

    stored = client.add("Ann likes tea", infer=False, timestamp=moment, metadata={"a": 1})
    read = client.get(stored.id)
    changed = client.update(stored.id, text="Ann likes coffee", if_match=read.etag)

    assert stored.memory == read
    assert (read.text, read.created_at, read.metadata) == ("Ann likes tea", moment, {"a": 1})
    assert read.app_name == "tests"
    assert changed.memory is not None
    assert changed.memory.text == "Ann likes coffee"
    with pytest.raises(om.PreconditionFailed) as caught:
        client.delete(stored.id, if_match=read.etag)
    assert (caught.value.code, caught.value.status) == ("precondition_failed", 412)
    client.delete(stored.id)
    assert client.get(stored.id).state == "deleted"
    assert [row["change"] for row in client.history(stored.id)] != []


def test_lists_are_iterated_over_all_pages(client: om.Client) -> None:
    bodies = [{"text": f"Number {number}", "infer": False} for number in range(5)]
    results = client.add_many(bodies)
    client.put_by_key(["a", "b"], "k/1", "Keyed")

    listed = client.list(page_size=2)

    assert len(results) == 5
    assert {memory.text for memory in listed} == {*(body["text"] for body in bodies), "Keyed"}
    assert [each.text for each in client.list(namespace="a", metadata={"no": 1})] == []
    assert client.namespaces().all() == [om.Namespace("a.b", 1)]
    assert "tests" in {row["name"] for row in client.apps()}
    assert client.access_log(results[0]["id"]).all() == []


def test_searches_and_prompts_are_read(client: om.Client) -> None:
    client.put_by_key("users.ann", "tea", "Ann likes green tea")
    client.put_by_key("users.bo", "tea", "Bo likes green tea")

    found = client.search("Who likes tea?", filters={"namespace": "users.ann"}, min_score=0)
    prompt = client.context("tea", filters={"namespace": "users.ann"})

    assert [hit.text for hit in found.hits] == ["Ann likes green tea"]
    assert 0 <= found.hits[0].score <= 1
    assert "Ann likes green tea" in prompt.text
    assert "Bo" not in prompt.text
    assert prompt.memories == [found.hits[0].id]


def test_the_other_methods_answer(client: om.Client) -> None:
    stored = client.add("Ann likes tea", infer=False)

    assert "paused" in client.pause([stored.id])["message"]
    assert "resumed" in client.resume([stored.id])["message"]
    assert "archived" in client.archive([stored.id])["message"]
    assert client.related(stored.id).all() == []
    assert client.stats()["total_apps"] == 1
    assert client.categories()["categories"] == []
    assert client.me()["user_id"] == "alice"
    [app] = client.apps()
    client.set_app_active(app["id"], False)
    with pytest.raises(om.Forbidden) as caught:
        client.add("More")
    assert caught.value.code == "app_paused"
    assert client.log().all() == []
    with pytest.raises(om.NotFound):
        client.undo(1)
    with pytest.raises(om.NotFound):
        client.job("nothing")
    client.delete_many([stored.id])
    client.close()


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_leads_to_no_other_path(client: om.Client, name: str) -> None:
    stored = client.add("Ann likes tea", infer=False)

    for call in (
        lambda: client.delete(name),
        lambda: client.delete_by_key(name, stored.id),  # else this is /memories/{id}
        lambda: client.put_by_key("notes", name, "x"),
    ):
        with pytest.raises(om.BadRequest) as caught:
            call()
        assert caught.value.code == "invalid_address"

    assert client.get(stored.id).state == "active"


def test_errors_are_classes_with_the_code_of_the_problem(alice: Member) -> None:
    client = client_of(alice)

    with pytest.raises(om.BadRequest) as caught:
        client.search("tea", top_k=0)
    assert caught.value.errors[0]["loc"] == ["body", "top_k"]
    assert caught.value.request_id
    with pytest.raises(om.Unauthorized) as refused:
        om.Client("http://testserver", "om_no", transport=InProcess()).me()
    assert refused.value.code.startswith("key_")
    with pytest.raises(ValueError, match="OPENMEMORY_API_KEY"):
        om.Client("http://testserver", "")


class Unreliable(httpx.BaseTransport):
    """Lets the server carry a request out, and loses or replaces the first answers."""

    def __init__(self, *faults: Callable[[httpx.Response], httpx.Response]) -> None:
        self.faults = list(faults)
        self.keys: list[str | None] = []
        self.server = InProcess()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers.get("Idempotency-Key"))
        response = self.server.handle_request(request)
        response.read()
        return self.faults.pop(0)(response) if self.faults else response


def lost(response: httpx.Response) -> httpx.Response:
    raise httpx.ReadError("lost")


def busy(response: httpx.Response) -> httpx.Response:
    return httpx.Response(503, headers={"Retry-After": "0"}, json={"code": "unavailable"})


def test_a_lost_write_is_sent_again_and_carried_out_once(alice: Member) -> None:
    transport = Unreliable(lost, busy)
    client = om.Client("http://testserver", alice.secret, transport=transport)

    stored = client.add("Ann likes tea", infer=False)

    assert len(set(transport.keys)) == 1
    assert len(transport.keys) == 3
    assert [memory.id for memory in client.list()] == [stored.id]


def test_what_fails_for_good_is_told(alice: Member) -> None:
    lost_each_time = Unreliable(lost, lost)
    client = om.Client("http://testserver", alice.secret, transport=lost_each_time, retries=1)
    with pytest.raises(om.ConnectionFailed) as caught:
        client.me()
    assert caught.value.code == "connection"

    page = Unreliable(lambda response: httpx.Response(200, text="<html>"))
    with pytest.raises(om.OpenMemoryError) as no_json:
        om.Client("http://testserver", alice.secret, transport=page).me()
    assert no_json.value.code == "no_json"


def test_the_commands_of_the_memory_tool_answer_its_sentences(client: om.Client) -> None:
    files = MemoryFiles(client)
    note = "/memories/notes/tea.txt"

    assert files.view("/memories").splitlines()[1:] == ["0B\t/memories"]
    assert files.create(note, "one\ntwo\nthree\n") == f"File created successfully at: {note}"
    assert files.create("/memories/empty", "").endswith("/memories/empty")
    assert files.view("/memories").splitlines() == [
        "Here're the files and directories up to 2 levels deep in /memories, excluding hidden "
        "items and node_modules:",
        "14B\t/memories",
        "0B\t/memories/empty",
        "14B\t/memories/notes/",
        f"14B\t{note}",
    ]
    assert files.view(note, [2, 3]) == (
        f"Here's the content of {note} with line numbers:\n     2\ttwo\n     3\tthree"
    )
    assert files.str_replace(note, "two", "2").splitlines()[:3] == [
        "The memory file has been edited. Here is the snippet showing the change (with line "
        "numbers):",
        "     1\tone",
        "     2\t2",
    ]
    assert files.insert(note, 1, "half\n") == f"The file {note} has been edited."
    assert client.get_by_key("memory_tool", "notes/tea.txt").text == "one\nhalf\n2\nthree\n"
    moved = "/memories/old/tea.txt"
    assert files.rename("/memories/notes", "/memories/old") == (
        "Successfully renamed /memories/notes to /memories/old"
    )
    assert files.delete(moved) == f"Successfully deleted {moved}"
    assert files.view("/memories/empty").endswith("     1\t")
    assert files.clear() == "All memory cleared"


@pytest.mark.parametrize(
    ("command", "arguments", "sentence"),
    [
        ("view", ["/memories/no"], "The path /memories/no does not exist. Please provide a valid"),
        ("view", ["/etc/passwd"], "Error: Path must start with /memories, got: /etc/passwd"),
        ("view", ["/memories/../etc"], "would escape /memories directory"),
        ("create", ["/memories/a", "x"], "Error: File /memories/a already exists"),
        ("create", ["/memories/b", "x" * 40_000], "Error: "),
        ("str_replace", ["/memories/a", "no", ""], "old_str `no` did not appear verbatim in"),
        ("str_replace", ["/memories/a", "o", ""], "of old_str `o` in lines: 1, 2. Please ensure"),
        ("str_replace", ["/memories/no", "o", ""], "Error: The path /memories/no does not exist."),
        ("insert", ["/memories/a", 9, "x"], "parameter: 9. It should be within the range of lines"),
        ("insert", ["/memories/no", 0, "x"], "Error: The path /memories/no does not exist"),
        ("delete", ["/memories/no"], "Error: The path /memories/no does not exist"),
        ("delete", ["/memories"], "Error: Cannot delete the /memories directory itself"),
        ("rename", ["/memories/no", "/memories/b"], "Error: The path /memories/no does not exist"),
        ("rename", ["/memories/a", "/memories/c"], "The destination /memories/c already exists"),
    ],
)
def test_what_the_memory_tool_refuses_it_explains(
    client: om.Client, command: str, arguments: list[Any], sentence: str
) -> None:
    files = MemoryFiles(client)
    files.create("/memories/a", "one\ntwo\n")
    files.create("/memories/c", "c")

    with pytest.raises(CommandFailed) as caught:
        getattr(files, command)(*arguments)

    assert sentence in str(caught.value)
    assert client.get_by_key("memory_tool", "a").text == "one\ntwo\n"


def test_filters_of_a_store_are_exact_though_the_server_says_less() -> None:
    value = {"color": "red", "n": 3, "in": {"a": [1, 2]}}

    assert matches(value, {"color": "red", "n": {"$gt": 2, "$lte": 3}, "in": {"a": [1, 2]}})
    assert not matches(value, {"n": {"$ne": 3}})
    assert not matches(value, {"none": {"$gt": 1}})
    assert to_metadata_filter({"color": "red", "n": {"$gte": 1}, "a.b": 1}) == {
        "value": {"exists": True},
        "text_of": {"exists": False},
        "value.color": {"eq": "red"},
        "value.n": {"gte": 1},
    }
    with pytest.raises(ValueError, match="no operator"):
        matches(value, {"n": {"$in": [1]}})


def test_the_package_is_strictly_typed() -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy"], cwd=PACKAGE, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout


@pytest.mark.slow
def test_the_async_client_does_the_same(shared_server: Any) -> None:
    body = {"user_id": "async-client"}
    key = shared_server.call("POST", "/users", json=body)["api_key"]

    async def use() -> list[str]:
        async with om.AsyncClient(shared_server.url, key) as client:
            for number in range(3):
                await client.put_by_key("async", f"k{number}", f"Text {number}")
            stored = await client.put_by_key("async", "k0", "Text 0 again")
            with pytest.raises(om.NotFound):
                await client.get_by_key("async", "k9")
            found = await client.search("Text again", filters={"namespace": "async"})
            assert found.hits[0].id == stored.id
            await client.delete_by_key("async", "k1")
            return [memory.text async for memory in client.list(page_size=1)]

    assert sorted(asyncio.run(use())) == ["Text 0 again", "Text 2"]
