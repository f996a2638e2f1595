"""Every command of the README does what it says. `make run` and `make test`: see tests/server."""

import json
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings

from tests import fences
from tests.fences import PYTHON, SHELL

README = Path(settings.BASE_DIR) / "README.md"
BLOCKS = {block.heading: block for block in fences.read(README)}


@pytest.fixture(scope="module")
def checkout(shared_server):
    """The server's folder, with what stands beside `var/` in a checkout where it was installed."""
    (shared_server.folder / "manage.py").symlink_to(Path(settings.BASE_DIR) / "manage.py")
    stub = shared_server.folder / ".venv" / "bin" / "activate"
    stub.parent.mkdir(parents=True)
    stub.write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    return shared_server.folder


@pytest.fixture(scope="module")
def run(shared_server, checkout):
    """Run a block as somebody with the KEY, and return what each of its paragraphs prints."""

    def run(heading, language):
        code = BLOCKS[heading].code.replace("localhost:8000", f"localhost:{shared_server.port}")
        pieces = code.strip().split("\n\n") if language is SHELL else [code]
        environment = {
            **shared_server.environment,
            "KEY": shared_server.key,
            "API": f"{shared_server.url}/api/v1",
        }
        path = f"{Path(sys.executable).parent}:{environment['PATH']}"
        return language.run(pieces, checkout, {**environment, "PATH": path})

    return run


def test_the_readme_has_no_code_that_is_not_run_here():
    assert {(block.heading, block.language) for block in fences.read(README)} == {
        ("Two commands", "sh"),
        ("Five minutes with curl", "sh"),
        ("The same with Python", "python"),
        ("Users, keys and apps", "sh"),
        ("A language model", "sh"),
    }
    assert [
        line.partition("#")[0].strip() for line in BLOCKS["Two commands"].code.splitlines()
    ] == [
        "make run",
        "make test",
    ]


def test_five_minutes_with_curl_remember_find_list_revise_and_delete(run, shared_server):
    before = shared_server.call("GET", "/memories")["total"]

    _, *answers = run("Five minutes with curl", SHELL)

    remembered, found, listed, revised, deleted = [json.loads(answer) for answer in answers]
    assert remembered["text"] == "Our dog Rex is afraid of thunder"
    assert (remembered["event"], remembered["app_name"]) == ("ADD", "notes")
    assert remembered["metadata_"] == {"source": "chat"}
    assert found["results"][0]["id"] == remembered["id"]
    assert listed["items"][0]["id"] == remembered["id"]
    assert (revised["id"], revised["text"]) == (
        remembered["id"],
        "Our dog Rex is no longer afraid of thunder",
    )
    assert deleted == {"message": "Successfully deleted memory"}
    assert shared_server.call("GET", "/memories")["total"] == before


def test_the_same_with_python_finds_the_birthday_first(run):
    (printed,) = run("The same with Python", PYTHON)

    best, *_ = printed.splitlines()
    score, _, text = best.partition("  ")
    assert text == "Mira's birthday is the third of May"
    assert 0 < float(score) <= 1


def test_its_commands_make_a_user_and_a_key_of_an_app(run, shared_server):
    (printed,) = run("Users, keys and apps", SHELL)

    assert all(line.startswith("om_") for line in printed.splitlines())
    bound, first = shared_server.call("GET", "/keys?user_id=alice")["items"]
    assert [(key["app"], key["scopes"]) for key in (first, bound)] == [
        (None, ["read", "write"]),
        ("notes", ["read", "write"]),
    ]
    assert first["expires_at"] is None
    assert bound["expires_at"] is not None
    assert [key["prefix"] for key in (first, bound)] == [line[:11] for line in printed.splitlines()]


def test_a_language_model_makes_two_facts_of_a_text(run, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    block = BLOCKS["A language model"]
    # Whatever goes wrong, the fake ends with the program.
    ending = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    block = replace(block, code=ending + block.code.replace("11435", port))
    monkeypatch.setitem(BLOCKS, "A language model", block)

    _, *answers = run("A language model", SHELL)

    ollama, openai, fake, remembered, none = map(json.loads, answers)
    chosen = [config["provider"] for config in (ollama, openai, fake, none)]
    assert chosen == ["ollama", "openai", "openai", "local"]
    assert remembered["text"] == "Ada lives in Porto."
    assert remembered["job"]
