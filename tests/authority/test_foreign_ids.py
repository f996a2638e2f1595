"""Wherever an id can stand, one of somebody else's is answered as one that does not exist."""

import json
import uuid
from typing import Any

import pytest

from tests.authority import table
from tests.authority.operations import ASKED, Asked, filled, is_personal
from tests.authority.positions import schema_positions
from tests.authority.world import Caller, build, related_pair

# Headers that could tell two answers apart, and do not name the request.
TELLING = {"Content-Type", "WWW-Authenticate", "Allow"}

PAUSED = {"is_active": False}
RULE = {"effect": "deny"}

# Each position: the kind of id in it, the call, its query and its body. `{id}` is that id; the
# `{own_…}` are the caller's, so that an id can stand beside or below one that is known.
OF_APP = {"filters": {"app_ids": ["{id}"]}}

POSITIONS: list[tuple[str, str, dict[str, Any], Any]] = [
    (
        "memory_id",
        "POST /memories",
        {},
        {"text": "Mine", "app": "desk", "supersedes": ["{own_memory_id}", "{id}"]},
    ),
    (
        "memory_id",
        "POST /memories/bulk",
        {},
        {"memories": [{"text": "Mine", "app": "desk", "supersedes": ["{id}"]}]},
    ),
    (
        "memory_id",
        "PATCH /memories/bulk",
        {},
        {"ids": ["{own_memory_id}", "{id}"], "changes": {"actor": "Me"}},
    ),
    ("app_id", "PATCH /memories/bulk", {}, {**OF_APP, "changes": {"actor": "Me"}}),
    ("app_id", "DELETE /memories", {}, OF_APP),
    ("app_id", "POST /memories/actions/archive", {}, OF_APP),
    ("app_id", "POST /memories/actions/pause", {}, OF_APP),
    ("memory_id", "GET /memories/{id}", {}, None),
    ("memory_id", "PATCH /memories/{id}", {}, {"metadata": {"a": 1}}),
    ("memory_id", "GET /memories/{id}/history", {}, None),
    ("memory_id", "GET /log", {"memory_id": "{id}"}, None),
    ("run", "GET /log", {"run": "{id}"}, None),
    ("memory_id", "PUT /memories/{id}", {}, {"memory_content": "Mine"}),
    ("memory_id", "DELETE /memories/{id}", {}, None),
    ("memory_id", "GET /memories/{id}/access-log", {}, None),
    ("memory_id", "GET /memories/{id}/related", {}, None),
    ("memory_id", "DELETE /memories", {}, {"memory_ids": ["{id}"]}),
    ("memory_id", "DELETE /memories", {}, {"memory_ids": ["{own_memory_id}", "{id}"]}),
    (
        "memory_id",
        "POST /memories/actions/archive",
        {},
        {"memory_ids": ["{own_memory_id}", "{id}"]},
    ),
    ("memory_id", "POST /memories/actions/archive", {}, ["{own_memory_id}", "{id}"]),
    ("memory_id", "POST /memories/actions/pause", {}, {"memory_ids": ["{own_memory_id}", "{id}"]}),
    ("memory_id", "POST /memories/actions/pause", {}, {"memory_ids": ["{id}"], "state": "active"}),
    ("memory_id", "POST /apps/{own_app_id}/rules", {}, {"memory_id": "{id}", **RULE}),
    ("app_id", "GET /apps/{id}", {}, None),
    ("app_id", "PUT /apps/{id}", {}, PAUSED),
    ("app_id", "PUT /apps/{id}", {"is_active": "false"}, None),
    ("app_id", "GET /apps/{id}/memories", {}, None),
    ("app_id", "GET /apps/{id}/accessed", {}, None),
    ("app_id", "GET /apps/{id}/rules", {}, None),
    ("app_id", "POST /apps/{id}/rules", {}, RULE),
    ("app_id", "POST /apps/{id}/rules", {}, {"memory_id": "{own_memory_id}", **RULE}),
    ("app_id", "DELETE /apps/{id}/rules/{own_rule_id}", {}, None),
    ("app_id", "GET /memories", {"app_id": "{id}"}, None),
    ("app_id", "POST /memories/filter", {}, {"app_ids": ["{id}"]}),
    ("app_id", "POST /memories/filter", {}, {"app_ids": ["{own_app_id}", "{id}"]}),
    ("app_id", "POST /memories/search", {}, {"query": "dog", "filters": {"app_ids": ["{id}"]}}),
    ("memory_id", "POST /memories/search", {}, {"query": "dog", "explain_missing": ["{id}"]}),
    ("app_id", "POST /memories/context", {}, {"query": "dog", "filters": {"app_ids": ["{id}"]}}),
    ("actor", "GET /memories", {"actor": "{id}"}, None),
    ("actor", "POST /memories/filter", {}, {"actors": ["{own_actor}", "{id}"]}),
    ("actor", "POST /memories/search", {}, {"query": "dog", "filters": {"actors": ["{id}"]}}),
    ("actor", "POST /memories/context", {}, {"query": "dog", "filters": {"actors": ["{id}"]}}),
    ("conversation", "GET /memories", {"conversation": "{id}"}, None),
    ("conversation", "POST /memories/filter", {}, {"conversations": ["{id}"]}),
    (
        "conversation",
        "POST /memories/search",
        {},
        {"query": "dog", "filters": {"conversations": ["{own_conversation}", "{id}"]}},
    ),
    ("app_id", "POST /memories/actions/pause", {}, {"app_id": "{id}"}),
    ("app_id", "POST /memories/actions/pause", {}, {"app_id": "{id}", "all_for_app": True}),
    ("app_id", "POST /backup/export", {}, {"app_id": "{id}"}),
    ("rule_id", "DELETE /apps/{own_app_id}/rules/{id}", {}, None),
    ("category_id", "POST /memories/filter", {}, {"category_ids": ["{id}"]}),
    ("category_id", "POST /memories/actions/pause", {}, {"category_ids": ["{id}"]}),
    (
        "category_id",
        "POST /memories/actions/pause",
        {},
        {"category_ids": ["{own_category_id}", "{id}"], "state": "archived"},
    ),
    ("key_id", "DELETE /keys/{id}", {}, None),
    ("job_id", "GET /jobs/{id}", {}, None),
    ("job_id", "POST /jobs/{id}/cancel", {}, None),
    ("job_id", "GET /jobs/{id}/download", {}, None),
    ("exporting_id", "GET /jobs/{id}/download", {}, None),
    ("user_id", "GET /jobs", {"user_id": "{id}"}, None),
    ("user_id", "GET /memories", {"user_id": "{id}"}, None),
    ("user_id", "POST /memories", {}, {"text": "Mine", "infer": False, "user_id": "{id}"}),
    ("user_id", "POST /memories/actions/pause", {}, {"global_pause": True, "user_id": "{id}"}),
    ("user_id", "POST /memories/actions/archive", {"user_id": "{id}"}, ["{own_memory_id}"]),
    ("user_id", "POST /keys", {}, {"user_id": "{id}"}),
    ("user_id", "POST /backup/export", {}, {"user_id": "{id}"}),
    ("user_id", "GET /stats", {"user_id": "{id}"}, None),
]


@pytest.mark.parametrize(
    ("kind", "call", "query", "body"),
    POSITIONS,
    ids=[f"{kind} in {call} {body or query or ''}" for kind, call, query, body in POSITIONS],
)
def test_an_id_of_somebody_else_is_answered_as_an_unknown_one(kind, call, query, body, alice, bob):
    world = build(alice, category="animals")
    world.write_log()
    own = build(bob, category="plants")
    known = {f"own_{name}": pk for name, pk in own.ids.items()}
    theirs = world.ids[kind]
    before = world.owned(), own.owned()

    answers = [
        said(Caller(bob.secret), call, query, body, {**known, "id": pk})
        for pk in (theirs, str(uuid.uuid4()))
    ]

    assert answers[0] == answers[1]
    assert (world.owned(), own.owned()) == before
    assert answers[0][0] in ({403} if kind == "user_id" else {200, 404})


def test_every_position_of_an_id_in_the_schema_is_tried():
    """A new parameter or field that holds an id needs a row in the table above."""
    tried = {
        position for _, call, query, body in POSITIONS for position in named(call, query, body)
    }
    expected = {position for position in schema_positions() if position[1] != "user_id"}

    assert expected - tried == set()


def named(call, query, body):
    """The positions that a row of the table fills with the id, by the names of the schema."""
    method, path = call.split()
    for operation in {operation for operation, _ in schema_positions()}:
        other_method, template = operation.split()
        pairs = list(zip(path.split("/"), template.split("/"), strict=False))
        is_same = path.count("/") == template.count("/") and all(
            given == part or (given[:1] == part[:1] == "{") for given, part in pairs
        )
        if method == other_method and is_same:
            yield from ((operation, part[1:-1]) for given, part in pairs if given == "{id}")
            yield from ((operation, name) for name in holders_of_id(query))
            yield from ((operation, name) for name in holders_of_id(body))


def holders_of_id(value):
    """The names of the fields, at any depth, in which the id stands."""
    for each in value if isinstance(value, list) else ():
        yield from holders_of_id(each)
    for name, inner in value.items() if isinstance(value, dict) else ():
        if inner == "{id}" or (isinstance(inner, list) and "{id}" in inner):
            yield name
        yield from holders_of_id(inner)


# What is about no other user takes any name and ignores it.
ABOUT_A_USER = [
    each for each in table.read() if is_personal(each) and not each.endswith(" /users/me")
]


@pytest.mark.parametrize("operation", ABOUT_A_USER)
def test_somebody_elses_name_is_answered_as_an_unknown_one(operation, alice, bob):
    world, own = build(alice, category="animals"), build(bob, category="plants")
    own.write_log()
    names = own.ids | own.log
    method, path = operation.split()
    asked = ASKED.get(operation, Asked())
    before = world.owned(), own.owned()

    answers = []
    for user_id in (alice.user.user_id, str(uuid.uuid4())):
        caller = Caller(bob.secret, names=user_id)
        call = f"{method} {(asked.path or path).format(**names)}"
        query, body = filled(asked.query, names), filled(asked.body, names)
        answers.append(said(caller, call, query, body, {"id": user_id}))

    assert answers[0] == answers[1]
    assert answers[0][0] >= 400
    assert (world.owned(), own.owned()) == before


def said(caller, call, query, body, ids):
    """The answer, but for what differs from one request to the next, and for the id itself."""
    method, path = call.split()
    answer = caller.send(method, path.format(**ids), filled(query, ids), filled(body, ids))
    document = json.loads(answer.content.decode().replace(ids["id"], "<id>"))
    document.pop("request_id", None)
    headers = {name: value for name, value in answer.headers.items() if name in TELLING}
    return answer.status_code, document, headers


def test_what_is_related_to_a_memory_is_never_somebody_elses(alice, bob):
    mine, theirs = related_pair(bob), related_pair(alice)

    related = bob.get(f"/memories/{mine[0]}/related", {"page_size": 100}).json()

    assert [each["id"] for each in related["items"]] == [mine[1]]
    assert not set(theirs) & {each["id"] for each in related["items"]}
