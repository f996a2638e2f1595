"""The examples of the document that the server was ordered from run against it unchanged.

Only their placeholders are filled in: the address of the server, and the key.
"""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests import fences

EXAMPLES = {block.heading: block.code for block in fences.read(Path(__file__).with_name("seed.md"))}


@pytest.fixture(scope="module")
def key(shared_server):
    """Of the user whom the examples name, who is no operator."""
    return shared_server.call("POST", "/users", json={"user_id": "user123"})["api_key"]


def executed(code: str) -> dict[str, Any]:
    """What a reader has after typing this in."""
    names: dict[str, Any] = {"requests": requests}
    exec(compile(code, "<example>", "exec"), names)
    return names


def test_the_complete_example_prints_what_it_says(shared_server, key, capsys):
    filled = f'OpenMemoryClient("{key}", "{shared_server.url}")'
    example = EXAMPLES["Complete Example: Memory Management"]
    assert 'OpenMemoryClient("your-api-key-here")' in example

    names = executed(example.replace('OpenMemoryClient("your-api-key-here")', filled))

    assert capsys.readouterr().out.splitlines() == [
        f"Created memory: {names['memory']['id']}",
        "Found 1 memories",
        "Memory content: Remember to call Mom on her birthday",
    ]
    assert names["memory"]["app_name"] == "personal-assistant"
    assert names["memory"]["metadata_"] == {"category": "family", "priority": "high"}


def test_its_client_revises_and_deletes(shared_server, key):
    definition, _, _ = EXAMPLES["Complete Example: Memory Management"].partition("# Usage example")
    client = executed(definition)["OpenMemoryClient"](key, base_url=shared_server.url)
    made = client.create_memory("user123", "Buy oat milk")

    revised = client.update_memory(made["id"], "Buy oat milk and rye bread", "user123")
    deleted = client.delete_memory(made["id"], "user123")

    assert revised["text"] == "Buy oat milk and rye bread"
    assert deleted == {"message": "Successfully deleted memory"}
    assert client.get_memory(made["id"])["state"] == "deleted"
    assert client.get_memories("user123", search_query="oat milk")["total"] == 0


def test_its_paging_finds_every_memory_once(shared_server, key):
    made = [
        shared_server.call(
            "POST", "/memories", json={"user_id": "user123", "text": text, "infer": False}
        )
        for text in (f"Page {number} of the diary" for number in range(205))
    ]
    example = EXAMPLES["Pagination"].replace("https://api.openmemory.com", shared_server.url)

    memories = executed(example)["get_all_memories"]("user123", key)

    ids = [memory["id"] for memory in memories]
    assert len(ids) == len(set(ids))
    assert {each["id"] for each in made} <= set(ids)


def test_its_error_handling_gets_answers_and_raises_refusals(shared_server, key):
    make_api_request = executed(EXAMPLES["Error Handling"])["make_api_request"]

    found = make_api_request(
        f"{shared_server.url}/api/v1/memories", {"Authorization": f"Bearer {key}"}
    )

    assert set(found) == {"items", "total", "page", "size", "pages"}
    with pytest.raises(requests.HTTPError, match="401"):
        make_api_request(
            f"{shared_server.url}/api/v1/memories", {"Authorization": "Bearer nobody's"}
        )
