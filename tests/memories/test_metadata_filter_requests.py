"""The same filters on metadata in search, list, filter, export and the tools of agents."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps_registry.models import AccessRule, App
from tests.agents.agent import Agent
from tests.cast import Member

HIGH = {"rank": {"gte": 4}}


@pytest.fixture
def ranked(alice):
    """Memories of alice about tea, by their rank."""
    return {
        rank: alice.remember(f"Tea number {rank}", infer=False, metadata={"rank": rank})
        for rank in (1, 4, 10)
    }


def search(member: Member, source):
    return member.post("/memories/search", {"query": "tea", "filters": {"metadata": source}})


def list_(member: Member, source):
    return member.get("/memories", {"metadata": json.dumps(source)})


def filter_(member: Member, source):
    return member.post("/memories/filter", {"metadata": source})


def export(member: Member, source):
    return member.post("/backup/export", {"metadata": source})


readers = pytest.mark.parametrize("read", [search, list_, filter_])
requests = pytest.mark.parametrize("send", [search, list_, filter_, export])


def loc_before(send):
    return {search: ["body", "filters"], list_: ["query"]}.get(send, ["body"])


def ranks(answer):
    assert answer.status_code == 200, answer.content
    body = answer.json()
    return {item["metadata_"]["rank"] for item in body.get("results", body.get("items"))}


@readers
def test_a_filter_keeps_what_matches(read, alice, ranked):
    assert ranks(read(alice, HIGH)) == {4, 10}
    assert ranks(read(alice, {"rank": 1})) == {1}
    assert ranks(read(alice, {"not": HIGH})) == {1}
    assert ranks(read(alice, {"rank": {"in": [1, 10]}, "or": [HIGH, {"rank": 0}]})) == {10}
    assert ranks(read(alice, {})) == {1, 4, 10}


@readers
def test_a_filter_shows_nothing_of_others(read, alice, bob, ranked):
    for source in ({}, HIGH, {"not": {"rank": 99}}, {"or": [HIGH, {"no": {"exists": False}}]}):
        assert ranks(read(bob, source)) == set()


@readers
def test_a_filter_shows_nothing_that_a_rule_denies(read, alice, ranked):
    app = App.objects.create(owner=alice.user, name="desk")
    AccessRule.objects.create(app=app, memory_id=ranked[4]["id"], effect="deny")
    desk = alice.with_key(app_name="desk")

    assert ranks(read(desk, {"not": {"rank": 99}})) == {1, 10}
    assert ranks(read(desk, {"or": [HIGH, {"rank": 4}]})) == {10}


@readers
def test_a_filter_costs_no_statement_more(read, alice, ranked):
    def statements(source):
        read(alice, source)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            read(alice, source)
        return len(queries)

    many = {"or": [{f"key{n}": {"exists": False}} for n in range(100)]}
    assert statements({}) == statements({"rank": {"gt": 0}}) == statements(many)


@pytest.mark.parametrize(
    ("source", "loc", "hint"),
    [
        ({"rank": {"gtee": 4}}, ["rank", "gtee"], "`gtee` is not known. Did you mean `gte`?"),
        ({"rank": {"$gte": 4}}, ["rank", "$gte"], "Did you mean `gte`?"),
        ({"rank": {"GTE": 4}}, ["rank", "GTE"], "Did you mean `gte`?"),
        ({"rank": {">=": 4}}, ["rank", ">="], "Known: `eq`, `ne`"),
        ({"rank": {"between": [1, 4]}}, ["rank", "between"], "Known: `eq`, `ne`"),
        ({"rank": {"gte": 4, "other": 1}}, ["rank", "other"], "Known: `eq`, `ne`"),
        ({"kind": {"leaf": "green"}}, ["kind", "leaf"], "written `kind.leaf`"),
        ({"rank": {"not": {"gte": 4}}}, ["rank", "not"], "It belongs around the key."),
        ({"rank": {"Or": [4]}}, ["rank", "Or"], "Did you mean `or` around the key?"),
        ({"AND": [{"rank": 4}]}, ["AND"], "Did you mean `and`?"),
        ({"$or": [{"rank": 4}]}, ["$or"], "Did you mean `or`?"),
        (
            {"or": [{"rank": 4}, {"not": {"rank": {"eqq": 1}}}]},
            ["or", 1, "not", "rank", "eqq"],
            "Did you mean `eq`?",
        ),
    ],
)
@requests
def test_an_unknown_operator_is_refused_by_name(send, source, loc, hint, alice):
    answer = send(alice, source)

    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "unknown_field"
    [fault] = problem["errors"]
    assert fault["loc"] == [*loc_before(send), "metadata", *loc]
    assert hint in fault["detail"]
    assert fault["detail"] in problem["detail"]
    where = ".".join(map(str, fault["loc"][1:-1]))
    assert f"`{where}`: " in problem["detail"]


def deep(levels):
    return {"rank": 1} if not levels else {"not": deep(levels - 1)}


@pytest.mark.parametrize(
    ("source", "loc", "hint"),
    [
        ([], [], "Send an object."),
        ("rank", [], "Send an object."),
        ({"rank": {}}, ["rank"], "Send at least one operator: `eq`"),
        ({"": 1}, [""], "separated by single dots"),
        ({"a..b": 1}, ["a..b"], "separated by single dots"),
        ({".a": 1}, [".a"], "separated by single dots"),
        ({"a\\": 1}, ["a\\"], "after a backslash"),
        ({"a" * 256: 1}, ["a" * 256], "at most 255 characters"),
        ({"rank": {"in": 4}}, ["rank", "in"], "Send a list of at most 100 values."),
        ({"rank": {"nin": [0] * 101}}, ["rank", "nin"], "Send a list of at most 100 values."),
        ({"rank": {"gt": True}}, ["rank", "gt"], "Send a number or a string."),
        ({"rank": {"lte": None}}, ["rank", "lte"], "Send a number or a string."),
        ({"rank": {"lt": [1]}}, ["rank", "lt"], "Send a number or a string."),
        ({"rank": {"exists": 1}}, ["rank", "exists"], "Send `true` or `false`."),
        ({"rank": {"exists": "true"}}, ["rank", "exists"], "Send `true` or `false`."),
        ({"or": []}, ["or"], "at least one object"),
        ({"and": {"rank": 1}}, ["and"], "Send a list"),
        ({"and": [1]}, ["and", 0], "Send an object with at least one condition."),
        ({"or": [{"rank": 1}, {}]}, ["or", 1], "Send an object with at least one condition."),
        ({"not": {}}, ["not"], "Send an object with at least one condition."),
        ({"not": [{"rank": 1}]}, ["not"], "Send an object with at least one condition."),
        (deep(9), ["not"] * 9, "at most 8 levels"),
        ({"a": {"eq": "x" * 17_000}}, [], "at most 16384 bytes"),
        ({f"k{n}": n for n in range(101)}, ["k100"], "Send at most 100 conditions."),
    ],
    ids=range(24),
)
@requests
def test_what_is_no_filter_is_refused(send, source, loc, hint, alice):
    answer = send(alice, source)

    assert answer.status_code == 400, answer.content
    [fault] = answer.json()["errors"]
    assert fault["loc"] == [*loc_before(send), "metadata", *loc]
    assert hint in fault["detail"]


@readers
def test_the_bounds_may_be_reached(read, alice, ranked):
    assert ranks(read(alice, deep(8))) == {1}
    many = {"or": [{"rank": {"in": [n]}} for n in range(100)]}
    assert ranks(read(alice, many)) == {1, 4, 10}
    assert ranks(read(alice, {"a" * 255: {"exists": False}})) == {1, 4, 10}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        ("rank", "not_json"),
        ('{"rank": NaN}', "not_json"),
        ('{"a": 1, "a": 2}', "repeated"),
        ('{"a": "\\u0000"}', "invalid_text"),
        ("[" * 40, "not_json"),
        ("null", "null"),
        ("5", "not_a_dict"),
    ],
)
def test_a_parameter_that_is_no_json_object_is_refused(alice, text, code):
    answer = alice.get("/memories", {"metadata": text})

    assert answer.status_code == 400
    [fault] = answer.json()["errors"]
    assert (fault["loc"], fault["code"]) == (["query", "metadata"], code)


@pytest.mark.parametrize("field", ["metadata[rank]", "metadata.rank", "metadata_", "meta_data"])
def test_a_parameter_that_is_spelled_otherwise_is_refused(alice, field):
    answer = alice.get(f"/memories?{field}=4")

    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_field"


@pytest.mark.parametrize("source", [None, {}])
def test_none_and_an_empty_one_keep_everything(alice, ranked, source):
    assert ranks(search(alice, source)) == ranks(filter_(alice, source)) == {1, 4, 10}


def test_a_list_is_filtered_by_metadata_and_more(alice, ranked):
    other = alice.remember("Coffee", infer=False, app="shop", metadata={"rank": 9})

    params = {"metadata": json.dumps(HIGH), "app_id": other["app_id"], "search_query": "coff"}
    answer = alice.get("/memories", params)

    assert ranks(answer) == {9}
    assert answer.json()["total"] == 1


def test_legacy_clients_are_told_of_an_unknown_operator_too(alice, settings):
    settings.LEGACY_CLIENTS = True

    assert search(alice, {"rank": {"gtee": 4}}).status_code == 400


def agent_ranks(result):
    assert not result.is_error, result.text
    return {memory["metadata"]["rank"] for memory in result.data["memories"]}


@pytest.mark.parametrize(
    ("tool", "arguments"), [("search_memories", {"query": "tea"}), ("get_memories", {})]
)
def test_the_tools_of_agents_take_the_same_filters(tool, arguments, alice, ranked):
    agent = Agent(alice.with_key(app_name="desk").secret)

    def call(**more):
        return agent.call(tool, **arguments, **more)

    assert agent_ranks(call(metadata=HIGH)) == {4, 10}
    assert agent_ranks(call(metadata=json.dumps({"not": HIGH}))) == {1}
    assert agent_ranks(call(filters={"metadata": HIGH})) == {4, 10}
    assert agent_ranks(call(filters={"metadata": HIGH}, conversations=[], metadata=None)) == {4, 10}
    assert agent_ranks(call(metadata={})) == {1, 4, 10}
    assert (
        "`metadata.rank`: `gtee` is not known. Did you mean `gte`?"
        in call(metadata={"rank": {"gtee": 4}}).text
    )
    assert (
        "`filters.metadata.rank`: `gtee` is not known."
        in call(filters={"metadata": {"rank": {"gtee": 4}}}).text
    )
    assert "Did you mean `categories`?" in call(filters={"category": "work"}).text
    assert call(filters={"AND": [HIGH]}).is_error
    assert "`metadata`: Send `metadata` once" in call(metadata=HIGH, filters={"metadata": {}}).text
    assert call(metadata=[HIGH]).is_error
    assert call(metadata="rank").is_error


def test_an_agent_is_shown_nothing_that_a_rule_denies(alice, ranked):
    app = App.objects.create(owner=alice.user, name="desk")
    AccessRule.objects.create(app=app, memory_id=ranked[4]["id"], effect="deny")
    agent = Agent(alice.with_key(app_name="desk").secret)

    for arguments in ({"metadata": HIGH}, {"filters": {"metadata": HIGH}}):
        assert agent_ranks(agent.call("get_memories", **arguments)) == {10}
        assert agent_ranks(agent.call("search_memories", query="tea", **arguments)) == {10}
