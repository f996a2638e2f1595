"""What the original's own page calls, in the order in which a person would make it."""

from datetime import datetime
from types import NoneType

import pytest

from accounts.models import ApiKey
from memories.access.log import log_accesses
from memories.models import Memory
from tests.legacy.page import Page, shape_of

NONE = type(None)

MEMORY = {
    "id": str,
    "text": str,
    "created_at": int,
    "state": str,
    "app_id": str,
    "app_name": str,
    "categories": [str],
    "metadata_": {},
    "superseded_by": NoneType,
    "supersedes": [],
    "actor": NoneType,
    "conversation": NoneType,
    "expires_at": NoneType,
    "valid_from": NoneType,
    "valid_until": NoneType,
    "namespace": NoneType,
    "key": NoneType,
    "immutable": bool,
}
ITEM = {("content" if name == "text" else name): kind for name, kind in MEMORY.items()}
ITEMS = {"items": [ITEM], "total": int, "page": int, "size": int, "pages": int}
APP = {
    "id": str,
    "name": str,
    "is_active": bool,
    "total_memories_created": int,
    "total_memories_accessed": int,
}
APP_MEMORY = {**ITEM, "created_at": str}


def is_time_without_offset(text):
    return datetime.fromisoformat(text).tzinfo is None and "T" in text


@pytest.fixture
def page(legacy_mode, default_user):
    return Page(default_user.user_id)


def remember(page, text):
    body = {"user_id": page.user_id, "text": text, "infer": False, "app": "openmemory"}
    return page.call("post", "/memories/", body)


def test_the_page_puts_down_and_shows_memories(page):
    made = remember(page, "I play chess with my brother every Sunday.")
    assert shape_of(made) == {**MEMORY, "categories": [str], "event": str, "job": NONE}
    made = page.call(
        "put",
        f"/memories/{made['id']}",
        {
            "memory_id": made["id"],
            "memory_content": "My favourite food is pizza.",
            "user_id": page.user_id,
        },
    )
    assert shape_of(made) == MEMORY
    remember(page, "I cook pasta on Mondays.")
    found = page.call(
        "post",
        "/memories/filter",
        {
            "user_id": page.user_id,
            "page": 1,
            "size": 10,
            "search_query": "pizza",
            "app_ids": [made["app_id"]],
            "category_ids": [],
            "sort_column": "created_at",
            "sort_direction": "desc",
            "show_archived": False,
        },
    )
    assert shape_of(found) == ITEMS
    assert [item["id"] for item in found["items"]] == [made["id"]]

    shown = page.call("get", f"/memories/{made['id']}?user_id={page.user_id}")
    categories = page.call("get", f"/memories/categories?user_id={page.user_id}")
    related = page.call("get", f"/memories/{made['id']}/related?user_id={page.user_id}")

    assert shown == made
    assert shape_of(categories) == {
        "categories": [
            {"id": str, "name": str, "description": str, "created_at": str, "updated_at": str}
        ],
        "total": int,
    }
    assert shape_of(related) in (ITEMS, {**ITEMS, "items": []})


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_page_takes_memories_out_and_puts_them_back(page):
    made = remember(page, "I like tea.")

    archive = page.download("/backup/export", {"user_id": page.user_id})
    page.call("delete", "/memories/", {"memory_ids": [made["id"]], "user_id": page.user_id})
    answer = page.upload("/backup/import", archive, user_id=page.user_id)

    assert answer["message"] == f'Import completed into user "{page.user_id}"'
    shown = page.call("get", f"/memories/{made['id']}")
    assert shown == {name: made[name] for name in shown}


def test_the_page_pauses_resumes_and_deletes(page):
    made = remember(page, "I like tea.")

    def pause(state):
        return page.call(
            "post",
            "/memories/actions/pause",
            {
                "memory_ids": [made["id"]],
                "all_for_app": True,
                "state": state,
                "user_id": page.user_id,
            },
        )

    assert shape_of(pause("paused")) == {"message": str}
    assert page.call("get", f"/memories/{made['id']}")["state"] == "paused"
    pause("active")
    assert page.call("get", f"/memories/{made['id']}")["state"] == "active"
    body = {"memory_ids": [made["id"]], "user_id": page.user_id}
    assert page.call("delete", "/memories/", body) == {"message": "Successfully deleted 1 memories"}
    assert page.call("post", "/memories/filter", {"user_id": page.user_id})["total"] == 0


def test_the_page_shows_apps_what_they_read_and_when(page):
    made = remember(page, "My favourite food is pizza.")
    memory = Memory.objects.get(pk=made["id"])
    log_accesses([memory], app=memory.app, access_type="search")
    listing = "page=1&page_size=10&name=open&is_active=true&sort_by=memories&sort_direction=desc"

    apps = page.call("get", f"/apps/?{listing}")
    path = f"/apps/{made['app_id']}"
    detail = page.call("get", path)
    memories = page.call("get", f"{path}/memories?page=1&page_size=10")
    accessed = page.call("get", f"{path}/accessed?page=1&page_size=10")
    log = page.call("get", f"/memories/{made['id']}/access-log?page=1&page_size=10")

    envelope = {"total": int, "page": int, "page_size": int}
    assert shape_of(apps) == {**envelope, "apps": [APP]}
    assert (
        shape_of(detail).items()
        >= {
            "is_active": bool,
            "total_memories_created": int,
            "total_memories_accessed": int,
            "first_accessed": str,
            "last_accessed": str,
        }.items()
    )
    (item,) = memories["memories"]
    assert shape_of(item) == {**APP_MEMORY, "categories": shape_of(item["categories"])}
    (read,) = accessed["memories"]
    assert shape_of(read) == {"memory": shape_of(item), "access_count": int}
    assert shape_of(log) == {
        **envelope,
        "logs": [
            {
                "id": int,
                "memory_id": str,
                "app_id": str,
                "app_name": str,
                "accessed_at": str,
                "access_type": str,
                "metadata_": {},
            }
        ],
    }
    times = [item["created_at"], read["memory"]["created_at"], log["logs"][0]["accessed_at"]]
    assert all(is_time_without_offset(time) for time in times)
    for active in ("false", "true"):
        changed = page.call("put", f"{path}?is_active={active}")
        assert changed == {"status": "success", "message": "Updated app details successfully"}
        assert page.call("get", path)["is_active"] == (active == "true")


def test_the_page_shows_figures_and_changes_the_configuration(page):
    remember(page, "I like tea.")

    stats = page.call("get", f"/stats?user_id={page.user_id}")
    config = page.call("get", "/config")
    config["openmemory"]["custom_instructions"] = "Prefer short sentences."
    changed = page.call("put", "/config", {part: config[part] for part in ("openmemory", "mem0")})
    reset = page.call("post", "/config/reset")

    assert (stats["total_memories"], stats["total_apps"]) == (1, 1)
    assert [app["name"] for app in stats["apps"]] == ["openmemory"]
    assert changed["openmemory"] == {"custom_instructions": "Prefer short sentences."}
    assert shape_of(changed["mem0"]) == shape_of(config["mem0"])
    assert not reset["openmemory"]["custom_instructions"]


def test_no_key_is_made_for_the_page(page):
    remember(page, "I like tea.")

    assert not ApiKey.objects.exists()


ID = "00000000-0000-4000-8000-000000000000"
CALLS = [
    ("get", "/stats"),
    ("get", "/config"),
    ("put", "/config"),
    ("post", "/config/reset"),
    ("get", "/apps/"),
    ("get", f"/apps/{ID}"),
    ("get", f"/apps/{ID}/memories"),
    ("get", f"/apps/{ID}/accessed"),
    ("put", f"/apps/{ID}?is_active=false"),
    ("get", "/memories/categories"),
    ("post", "/memories/filter"),
    ("post", "/memories/"),
    ("delete", "/memories/"),
    ("get", f"/memories/{ID}"),
    ("get", f"/memories/{ID}/access-log"),
    ("get", f"/memories/{ID}/related"),
    ("put", f"/memories/{ID}"),
    ("post", "/memories/actions/pause"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_without_the_mode_each_call_needs_a_key(default_user, method, path):
    assert Page(default_user.user_id).status(method, path, {}) == 401
