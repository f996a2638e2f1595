"""What clients and models make of arguments, and what is read from it."""

import json
from datetime import UTC, datetime

import pytest

from memories.models import Memory
from tests.agents.agent import Agent

HALF_PAST = 1704105000  # 2024-01-01T10:30:00Z


@pytest.fixture
def cursor(alice):
    return Agent(alice.secret, "/mcp/cursor/http/alice")


def texts(result):
    assert not result.is_error, result.text
    return {memory["text"] for memory in result.data["memories"]}


EMPTY = ["", "  ", [], None, [""], "null"]


@pytest.mark.parametrize("empty", ["", " ", [], None])
def test_an_empty_optional_argument_counts_as_left_out(agent, empty):
    said = [{"role": "user", "content": "I like tea.", "name": empty}]
    optional = dict.fromkeys(["text", "infer", "metadata", "actor", "conversation"], empty)

    added = agent.call("add_memory", messages=said, **optional)

    assert not added.is_error, added.text
    assert added.data["text"] == "user: I like tea."
    assert (added.data["actor"], added.data["conversation"]) == ("user", None)


@pytest.mark.parametrize("empty", EMPTY)
@pytest.mark.parametrize("tool", ["search_memories", "get_memories"])
def test_an_empty_filter_counts_as_left_out(agent, alice, tool, empty):
    alice.remember("I like tea", infer=False)
    names = ["categories", "actors", "conversations"]
    if empty not in ([""], "null"):
        names += ["limit", "from_date", "to_date", "cursor"]
        names += ["threshold", "include_context"] if tool == "search_memories" else []
    query = {"query": "tea"} if tool == "search_memories" else {}

    result = agent.call(tool, **query, **dict.fromkeys(names, empty))

    assert texts(result) == {"I like tea"}


def test_empty_arguments_of_other_tools_count_as_left_out(agent, alice):
    memory_id = alice.remember("I like tea", infer=False)["id"]

    related = agent.call("get_related", memory_id=memory_id, limit="", cursor=None)
    apps = agent.call("list_apps", cursor="")
    paused = agent.call("pause_memories", memory_ids=[memory_id, ""], state="")
    deleted = agent.call("delete_all_memories", confirm="")

    assert texts(related) == set()
    assert not apps.is_error
    assert paused.data == {"changed": 1, "state": "paused"}
    assert "`confirm: true`" in deleted.text


def test_a_needed_argument_is_not_left_out(agent, alice):
    memory_id = alice.remember("I like tea", infer=False)["id"]

    for tool, arguments in [
        ("search_memories", {"query": ""}),
        ("update_memory", {"memory_id": memory_id, "text": " "}),
        ("pause_memories", {"memory_ids": []}),
        ("get_memory", {"memory_id": None}),
    ]:
        assert agent.call(tool, **arguments).is_error

    assert Memory.objects.get().content == "I like tea"


def test_metadata_is_kept_as_it_is(agent):
    metadata = {"empty": "", "list": [], "none": None, "json": "[1]", "treshold": 1, "number": "5"}

    for sent in (metadata, json.dumps(metadata)):
        added = agent.call("add_memory", text="I like tea", infer=False, metadata=sent)

        assert added.data["metadata"] == metadata


@pytest.mark.parametrize("sent", ["work", '["work"]', ["work"], ["work", ""], '["work", null]'])
def test_one_value_or_json_is_a_list(agent, alice, sent):
    for actor in ("work", "home"):
        alice.remember(f"I am at {actor}", infer=False, actor=actor)

    assert texts(agent.call("get_memories", actors=sent)) == {"I am at work"}


def test_a_list_of_ids_and_of_messages_may_be_one_value_or_json(agent, alice):
    memory_id = alice.remember("I like tea", infer=False)["id"]
    message = {"role": "user", "content": "I like cocoa."}

    for ids in (memory_id, json.dumps([memory_id])):
        assert not agent.call("pause_memories", memory_ids=ids).is_error
    for messages in (message, json.dumps(message), json.dumps([message])):
        added = agent.call("add_memory", messages=messages)
        assert added.data["text"] == "user: I like cocoa."


@pytest.mark.parametrize("text", ["[1, 2]", '{"a": 1}', '"quoted"', "null", "true", "5"])
def test_a_text_that_is_json_stays_a_text(agent, text):
    assert agent.call("add_memory", text=text, infer=False).data["text"] == text


def test_numbers_and_booleans_may_be_strings_and_the_other_way_round(agent):
    added = agent.call("add_memory", text=42, infer="False", conversation=7)
    found = agent.call("search_memories", query=42, limit="5", threshold="0.0", include_context="1")

    assert (added.data["text"], added.data["conversation"]) == ("42", "7")
    assert texts(found) == {"42"}


@pytest.mark.parametrize(
    ("dates", "kept"),
    [
        ({"from_date": "2024-01-01T10:30:00Z"}, {"half past", "later"}),
        ({"from_date": "2024-01-01T10:30:01Z"}, {"later"}),
        ({"from_date": "2024-01-01T12:30:00+02:00"}, {"half past", "later"}),
        ({"from_date": "2024-01-01T10:30:00+02:00"}, {"earlier", "half past", "later"}),
        ({"from_date": "2024-01-01 10:30"}, {"half past", "later"}),
        ({"from_date": HALF_PAST}, {"half past", "later"}),
        ({"from_date": str(HALF_PAST)}, {"half past", "later"}),
        ({"from_date": "2024-01-02"}, set()),
        ({"to_date": "2024-01-01T10:30:00Z"}, {"earlier", "half past"}),
        ({"to_date": "2024-01-01T10:29:59.9Z"}, {"earlier"}),
        ({"to_date": "2024-01-01"}, {"earlier", "half past", "later"}),
        ({"to_date": "9999-12-31"}, {"earlier", "half past", "later"}),
        ({"from_date": "0001-01-01"}, {"earlier", "half past", "later"}),
    ],
)
@pytest.mark.parametrize("tool", ["search_memories", "get_memories"])
def test_a_date_may_have_a_time_and_an_offset(agent, alice, tool, dates, kept):
    for name, seconds in (("earlier", -60), ("half past", 0), ("later", 60)):
        alice.remember(name, infer=False, timestamp=HALF_PAST + seconds)
    query = {"query": "earlier, half past, later"} if tool == "search_memories" else {}

    assert texts(agent.call(tool, **query, **dates)) == kept


# As seconds, a year and a day without dashes would be of 1970.
@pytest.mark.parametrize("date", ["2024", 2024, "202401", "20240131", 20240131])
def test_a_date_that_could_be_seconds_is_refused(agent, date):
    result = agent.call("get_memories", from_date=date)

    assert result.is_error
    assert f"{date} may be a date or seconds" in result.text


@pytest.mark.parametrize("date", ["yesterday", "2024-13-01", "2024-01-01T25:00Z", "10:30"])
def test_what_is_no_date_is_said(agent, date):
    result = agent.call("get_memories", from_date=date)

    assert result.is_error
    assert "`from_date`" in result.text
    assert "2024-01-31T10:30:00Z" in result.text


@pytest.mark.parametrize(
    ("tool", "name", "hint"),
    [
        ("search_memories", "treshold", "Did you mean `threshold`?"),
        ("search_memories", "category", "Did you mean `categories`?"),
        ("search_memories", "fromDate", "Did you mean `from_date`?"),
        ("search_memories", "filter", "Did you mean `filters`?"),
        ("search_memories", "as_off", "Did you mean `as_of`?"),
        ("search_memories", "user_id", "`user_id` is not known."),
        ("search_memories", "since", "`since` is not known."),
        ("get_memories", "date", "Did you mean"),
        ("get_memories", "metadta", "Did you mean `metadata`?"),
        ("get_memories", "created_after", "`created_after` is not known."),
        ("add_memory", "expiry_date", "`expiry_date` is not known."),
        ("add_memory", "infr", "Did you mean `infer`?"),
        ("get_memories", "query", "`query` is not known."),
        ("get_memories", "include_expired", "`include_expired` is not known."),
        ("search_memories", "k", "`k` is not known."),
        ("search_memories", "num_results", "`num_results` is not known."),
        ("search_memories", "similarity", "`similarity` is not known."),
        ("search_memories", "project_id", "`project_id` is not known."),
        ("get_memories", "person", "`person` is not known."),
        ("get_memories", "conditions", "`conditions` is not known."),
        ("search_memories", "timeframe", "`timeframe` is not known."),
        ("delete_all_memories", "confrm", "Did you mean `confirm`?"),
        ("delete_all_memories", "dry_run", "`dry_run` is not known."),
        ("delete_all_memories", "memory_ids", "`memory_ids` is not known."),
        ("delete_all_memories", "only_archived", "`only_archived` is not known."),
    ],
)
def test_a_typing_error_a_filter_and_a_date_are_refused(agent, tool, name, hint):
    needed = {"search_memories": {"query": "tea"}, "add_memory": {"text": "I like tea"}}

    result = agent.call(tool, **needed.get(tool, {}), **{name: "x"})

    assert result.is_error
    assert hint in result.text
    assert "(unknown_field)" in result.text
    assert not Memory.objects.exists()


def test_a_trial_of_a_deletion_deletes_nothing(agent, alice):
    memory_id = alice.remember("I like tea", infer=False)["id"]

    for tool, arguments in [
        ("delete_memory", {"memory_id": memory_id, "dry_run": True}),
        ("delete_all_memories", {"confirm": True, "memory_ids": []}),
        ("delete_all_memories", {"confirm": True, "query": "coffee"}),
    ]:
        assert agent.call(tool, **arguments).is_error

    assert Memory.objects.get().state == "active"


@pytest.mark.parametrize("query", ["ap=desk", "App=desk", "app_name=desk", "app=a&app=b", "user=a"])
def test_an_address_that_may_mean_another_app_or_user_is_refused(alice, query):
    answer = Agent(alice.secret, f"/mcp?{query}").send("tools/list")

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["loc"][0] == "query"
    assert Agent(alice.secret, "/mcp?api_key=x&profile=y").send("tools/list").status_code == 200


CLIENTS_OWN = {
    "toolCallId": "1", "sessionId": "2", "action": "sendMessage", "chatInput": "hi",
    "random_string": "x", "reasoning": "because", "_meta": {},
}  # fmt: skip


def test_a_clients_own_arguments_are_ignored_and_named(agent):
    result = agent.call("add_memory", text="I like tea", infer=False, **CLIENTS_OWN)

    assert not result.is_error, result.text
    assert result.data["ignored"] == list(CLIENTS_OWN)
    assert json.loads(result.text) == result.data


def test_the_originals_tools_name_what_they_ignore(cursor):
    added = cursor.call("add_memories", text="I like tea", infer=False, sessionId="1")
    refused = cursor.call("search_memory", query="tea", top_k=3)

    assert json.loads(added.text)["ignored"] == ["sessionId"]
    assert "`top_k` is not known." in refused.text


def test_without_such_arguments_nothing_is_named(agent):
    assert "ignored" not in agent.call("add_memory", text="I like tea", infer=False).data


def test_an_error_names_what_was_ignored(agent):
    result = agent.call("add_memory", content="I like tea")

    assert result.is_error
    assert "Send `text` or `messages`." in result.text
    assert "`content` is not known." in result.text


def test_the_schema_of_a_result_has_what_was_ignored(agent):
    for tool in agent.ask("tools/list")["tools"]:
        assert tool["outputSchema"]["properties"]["ignored"]["type"] == "array"


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "text", "text": "I like tea."}],
        [{"type": "input_text", "text": "I like tea."}],
        {"type": "output_text", "text": "I like tea."},
        ["I like tea."],
        [{"type": None, "text": "I like tea."}],
        [
            {"type": "image_url", "image_url": {"url": "data:"}},
            {"type": "text", "text": "I like tea.", "cache_control": {"type": "ephemeral"}},
        ],
    ],
)
def test_the_texts_of_a_message_in_parts_are_stored(agent, alice, content):
    message = {"role": "user", "content": content}

    by_agent = agent.call("add_memory", messages=[message])
    by_api = alice.post("/memories", {"messages": [message]})

    assert by_agent.data["text"] == by_api.json()["text"] == "user: I like tea."


def test_parts_are_joined_by_line_breaks(alice):
    parts = [{"type": "text", "text": "I like tea."}, {"type": "text", "text": "And cocoa."}]

    answer = alice.post("/memories", {"messages": [{"role": "user", "content": parts}]})

    assert answer.json()["text"] == "user: I like tea.\n  And cocoa."


@pytest.mark.parametrize(
    "content",
    [
        [],
        [{"type": "image_url", "image_url": {}}],
        [5],
        [{"type": "text", "text": 5}],
        [[]],
        5,
        [{"type": ["text"], "text": "I like tea."}],
        [{"type": {}, "text": 5}],
    ],
)
def test_a_message_without_a_text_is_refused(agent, alice, content):
    messages = [{"role": "user", "content": content}]

    assert alice.post("/memories", {"messages": messages}).status_code == 400
    if content != 5:
        assert agent.call("add_memory", messages=messages).is_error
        assert not Memory.objects.exists()


def test_messages_of_openai_may_have_their_other_fields(alice):
    messages = [
        {"role": "user", "content": "I like tea.", "id": "msg_1", "type": "message"},
        {"role": "assistant", "content": None, "tool_calls": [], "refusal": None},
        {"role": "tool", "content": "{}", "tool_call_id": "call_1"},
    ]

    assert alice.post("/memories", {"messages": messages}).json()["text"] == "user: I like tea."


def test_a_repeated_member_of_a_message_is_refused(agent):
    body = (
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_memories",'
        ' "arguments": {"actors": ["a"], "actors": []}}}'
    )

    answer = agent.post(body, **agent._routing("tools/call", {"name": "get_memories"}))

    assert answer.status_code == 400
    assert "`actors` 2 times" in answer.json()["detail"]


def test_a_time_is_stored_as_it_was_meant(alice):
    alice.remember("I like tea", timestamp="2024-01-01T12:30:00+02:00")

    assert Memory.objects.get().created_at == datetime.fromtimestamp(HALF_PAST, UTC)
