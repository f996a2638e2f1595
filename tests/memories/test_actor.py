"""The actor and the conversation of a memory: stored, shown and filtered by."""

import pytest

from memories.models import Memory
from tests.cast import errors_of
from tests.memories.inference.conftest import fake, tell

__all__ = ["fake"]

USER = {"role": "user", "content": "I like tea."}


def attribution(answer):
    return answer["actor"], answer["conversation"]


def test_a_turn_of_a_conversation_knows_who_said_it(alice):
    known = alice.remember("Hello!", actor="Caroline", infer=False)
    memory = alice.remember(
        "Caroline: I went to the group yesterday [image: a dog]",
        infer=False,
        timestamp=1_683_554_160,
    )
    alice.post("/memories/actions/archive", {"memory_ids": [known["id"]]})

    assert attribution(memory) == ("Caroline", None)
    assert memory["text"] == "Caroline: I went to the group yesterday [image: a dog]"
    assert attribution(alice.get(f"/memories/{memory['id']}").json()) == ("Caroline", None)
    [listed] = alice.get("/memories").json()["items"]
    assert attribution(listed) == ("Caroline", None)
    [hit] = alice.post("/memories/search", {"query": "group"}).json()["results"]
    assert attribution(hit) == ("Caroline", None)


def test_what_the_app_names_is_kept_as_it_was_sent(alice):
    memory = alice.remember("Ana: hi", actor="  Bo 7 ", conversation="‮chat/1")

    assert attribution(memory) == ("  Bo 7 ", "‮chat/1")
    assert attribution(alice.remember("Tea.", actor=None, conversation=None)) == (None, None)


def test_what_the_app_keeps_in_the_metadata_counts_when_it_names_nothing(alice):
    metadata = {"actor": "Bo", "run_id": 7, "k": 1}

    memory = alice.remember("Ana: hi", metadata=metadata)

    assert attribution(memory) == ("Bo", "7")
    assert memory["metadata_"] == metadata
    again = alice.remember("Ana: hi there", metadata=metadata, actor="Cy", conversation="chat")
    assert attribution(again) == ("Cy", "chat")


@pytest.mark.parametrize(
    ("messages", "actor"),
    [
        ([USER], "user"),
        ([{**USER, "name": "ana_7"}], "ana_7"),
        ([{**USER, "name": "ana_7"}, {**USER, "name": "ana_7"}], "ana_7"),
        ([{"role": "system", "content": "Be brief."}, USER], "user"),
        ([USER, {"role": "assistant", "content": None}], "user"),
        ([USER, {"role": "assistant", "content": "Which?"}], None),
        ([{**USER, "name": "Ana"}, {**USER, "name": "bo_7"}], None),
    ],
)
def test_the_only_one_who_speaks_in_a_chat_is_its_actor(alice, messages, actor):
    answer = alice.post("/memories", {"messages": messages, "conversation": "chat"})

    assert attribution(answer.json()) == (actor, "chat")


def test_what_somebody_else_says_in_the_same_words_is_no_duplicate(alice):
    first = alice.remember("I like tea.", actor="Ana")

    assert alice.remember("I like tea.", actor="ANA")["event"] == "DUPLICATE"
    assert alice.remember("I like tea.")["id"] == first["id"]
    assert alice.remember("I like tea.", actor="Bo")["event"] == "ADD"


def test_an_edit_that_names_another_speaker_changes_the_actor(alice):
    memory = alice.remember("Ana: I like tea.", actor="Ana", infer=False)
    alice.remember("I like rum.", actor="Bo", infer=False)

    edited = alice.put(f"/memories/{memory['id']}", {"memory_content": "Bo: I like tea."}).json()

    assert attribution(edited) == ("Bo", None)
    assert Memory.objects.get(pk=memory["id"]).actor == "Bo"


def test_facts_belong_to_the_conversation_and_to_whoever_said_them(alice, fake):
    chat = [
        {"role": "user", "name": "Ana", "content": "I live in York. I like tea."},
        {"role": "user", "name": "Bo", "content": "My dog is called Rex."},
    ]
    memory = alice.post("/memories", {"messages": chat, "conversation": "chat"}).json()
    assert memory["actor"] is None

    tell(alice, "I work for Acme.")

    facts = Memory.objects.filter(conversation="chat").order_by("arrival")
    assert {fact.content: fact.actor for fact in facts} == {
        "I live in York.": "Ana",
        "I like tea.": "Ana",
        "My dog is called Rex.": "Bo",
    }
    assert {fact.metadata["actor"] for fact in facts} == {"Ana", "Bo"}


def test_who_is_named_by_the_app_has_said_all_facts(alice, fake):
    tell(alice, "I live in York. My dog is called Rex.", actor="Ana", conversation="chat")

    assert set(Memory.objects.values_list("actor", "conversation")) == {("Ana", "chat")}


def test_memories_arrive_in_the_order_in_which_they_were_stored(alice):
    ids = [alice.remember(str(n), infer=False, timestamp=1_700_000_000)["id"] for n in range(4)]

    by_arrival = Memory.objects.order_by("arrival").values_list("pk", flat=True)

    assert [str(pk) for pk in by_arrival] == ids
    assert Memory.objects.filter(arrival__gt=0).count() == 4


@pytest.fixture
def talk(alice):
    for text, fields in {
        "I like tea.": {"actor": "Ana", "conversation": "one"},
        "I like coffee.": {"actor": "Bo", "conversation": "one"},
        "I like cocoa.": {"actor": "Ana", "conversation": "two"},
        "I like water.": {},
    }.items():
        alice.remember(text, infer=False, **fields)
    return alice


FILTERS = [
    ({"actors": ["ana"]}, {"tea", "cocoa"}),
    ({"actors": ["ANA", "Bo"]}, {"tea", "cocoa", "coffee"}),
    ({"actors": ["An"]}, set()),
    ({"actors": []}, {"tea", "cocoa", "coffee", "water"}),
    ({"conversations": ["one"]}, {"tea", "coffee"}),
    ({"conversations": ["ONE"]}, set()),
    ({"conversations": ["one", "two"], "actors": ["Ana"]}, {"tea", "cocoa"}),
]


def drinks(texts):
    return {text.removeprefix("I like ").rstrip(".") for text in texts}


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_a_search_keeps_what_was_said_by_some_or_in_some_conversations(talk, filters, expected):
    answer = talk.post("/memories/search", {"query": "What do they like?", "filters": filters})

    assert drinks(hit["text"] for hit in answer.json()["results"]) == expected


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_a_person_lists_what_was_said_by_some_or_in_some_conversations(talk, filters, expected):
    answer = talk.post("/memories/filter", filters)

    assert drinks(item["content"] for item in answer.json()["items"]) == expected


def test_an_app_lists_what_one_said_or_what_was_said_in_one_conversation(talk):
    def listed(**query):
        return drinks(item["content"] for item in talk.get("/memories", query).json()["items"])

    assert listed(actor="ANA") == {"tea", "cocoa"}
    assert listed(conversation="one") == {"tea", "coffee"}
    assert listed(actor="Ana", conversation="two") == {"cocoa"}
    assert listed(actor="Cy") == set()


@pytest.mark.parametrize("name", ["actors", "conversations"])
@pytest.mark.parametrize("value", [[5], [""], ["x" * 256], ["a"] * 101])
def test_wrong_names_to_filter_by_are_named(alice, name, value):
    search = alice.post("/memories/search", {"query": "tea", "filters": {name: value}})
    listed = alice.post("/memories/filter", {name: value})

    inside = ("0",) if isinstance(value, list) and len(value) == 1 else ()
    assert (search.status_code, listed.status_code) == (400, 400)
    assert errors_of(search) == {("body", "filters", name, *inside)}
    assert errors_of(listed) == {("body", name, *inside)}


@pytest.mark.parametrize("query", [{"actor": "x" * 256}, {"conversation": "x" * 256}])
def test_a_name_in_the_query_is_bounded(alice, query):
    assert alice.get("/memories", query).status_code == 400
