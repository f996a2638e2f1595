"""Texts and names that show nothing are refused wherever they come in."""

import pytest

from apps_registry.models import App
from memories.models import Memory
from tests.cast import errors_of
from tests.core.test_visible_text import INVISIBLE


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_a_memory_says_something(text, alice):
    memory = alice.remember("Rex is a dog", infer=False)

    stored = alice.post("/memories", {"text": text})
    revised = alice.put(f"/memories/{memory['id']}", {"memory_content": text})
    spoken = alice.post("/memories", {"messages": [{"role": "user", "content": text}]})

    assert [answer.status_code for answer in (stored, revised, spoken)] == [400, 400, 400]
    assert errors_of(stored) == {("body", "text")}
    assert errors_of(revised) == {("body", "memory_content")}
    assert errors_of(spoken) == {("body", "messages")}
    assert [memory.content for memory in Memory.objects.all()] == ["Rex is a dog"]


def test_the_error_says_what_is_missing(alice):
    answer = alice.post("/memories", {"text": "\u200b"})

    assert answer.json()["errors"] == [
        {
            "loc": ["body", "text"],
            "code": "invisible",
            "detail": "Send a text with at least one character that can be seen.",
        }
    ]


@pytest.mark.parametrize("field", ["app", "actor", "conversation"])
def test_a_name_can_be_seen(field, alice):
    answer = alice.post("/memories", {"text": "I like tea.", field: "\u2800"})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", field)}
    assert not App.objects.exists()


def test_users_and_keys_have_names_that_can_be_seen(olga):
    user = olga.post("/users", {"user_id": "\u3164"})
    key = olga.post("/keys", {"name": "laptop", "app": "\u200b"})

    assert errors_of(user) == {("body", "user_id")}
    assert errors_of(key) == {("body", "app")}
    unnamed = olga.post("/users", {"user_id": "bob", "name": "\u200b\x07"})
    assert errors_of(unnamed) == {("body", "name")}
    assert errors_of(olga.post("/keys", {"name": " \u2800"})) == {("body", "name")}
    assert olga.post("/keys", {"name": "", "scopes": ["read"]}).status_code == 201


def test_an_invisible_actor_in_the_metadata_is_ignored(alice):
    memory = alice.remember("I like tea.", metadata={"actor": "\u200b", "run_id": "\ufeff"})

    assert (memory["actor"], memory["conversation"]) == (None, None)
