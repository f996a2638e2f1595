"""Actors, conversations and the order of arrival in exports and imports."""

import pytest

from memories.models import Memory
from tests.backups.archive_factory import Original, Ours
from tests.backups.archives import archive_of, entities
from tests.backups.imports import all_rows, export, imported, rejection, send

pytestmark = pytest.mark.slow

# An export reads by a connection of its own, which sees only what is committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

MOMENT = 1_700_000_000


def attributions(user):
    memories = Memory.objects.owned_by(user).order_by("created_at", "arrival", "pk")
    return list(memories.values_list("content", "actor", "conversation"))


def talk(alice):
    for number, actor in enumerate(["Ana", "Bo", "Ana", "Bo", "Ana"]):
        fields = {"infer": False, "timestamp": MOMENT, "actor": actor, "conversation": "chat"}
        alice.remember(f"Turn {number}", **fields)
    alice.remember("A single fact.", infer=False)


@COMMITTED
def test_all_of_it_survives_an_export_and_an_import_into_anybody(alice, bob):
    talk(alice)
    before = attributions(alice.user)
    archive = export(alice)
    Memory.objects.owned_by(alice.user).delete()

    imported(send(bob, archive))
    imported(send(alice, archive))

    assert attributions(alice.user) == attributions(bob.user) == before
    assert [content for content, *_ in before[:5]] == [f"Turn {number}" for number in range(5)]


@COMMITTED
def test_an_archive_counts_the_order_of_arrival_and_tells_nothing_of_others(alice, bob):
    bob.remember("Bob has a boat")
    talk(alice)
    # As of memories that were there before the order was noted.
    Memory.objects.filter(actor="Ana").update(arrival=0)

    rows = entities(archive_of(alice.user))["memories"]

    ranks = {row["content"]: row["arrival"] for row in rows}
    assert sorted(ranks.values()) == [1, 2, 3, 4, 5, 6]
    assert {ranks[f"Turn {number}"] for number in (0, 2, 4)} == {1, 2, 3}
    assert [ranks[text] for text in ("Turn 1", "Turn 3", "A single fact.")] == [4, 5, 6]


@pytest.mark.parametrize("kind", [Original, Ours])
@pytest.mark.parametrize("mode", ["skip", "overwrite"])
def test_of_an_archive_that_does_not_tell_it_is_made_out(kind, mode, alice):
    archive = kind("alice")
    texts = {
        "Caroline: I went.\nCaroline: It was good.": {},
        "I went there.": {"actor": "Mel", "run_id": 7},
        "Note: buy milk": {"actor": 5, "run_id": ["a"]},
        "10:30 dentist": None,
    }
    for memory, (content, metadata) in zip(archive.memories, texts.items(), strict=True):
        memory |= {"content": content, "metadata": metadata}

    imported(send(alice, archive.zipped()))

    assert attributions(alice.user) == [
        ("Caroline: I went.\nCaroline: It was good.", "Caroline", ""),
        ("I went there.", "Mel", "7"),
        ("Note: buy milk", "", ""),
        ("10:30 dentist", "", ""),
    ]
    once = all_rows()
    imported(send(alice, archive.zipped(), mode=mode))
    assert all_rows() == once


def test_memories_of_one_moment_arrive_in_the_order_that_an_archive_tells(alice):
    archive = Ours("alice")
    for place, memory in enumerate(archive.memories):
        memory |= {"content": str(place), "arrival": 9 - place}

    imported(send(alice, archive.zipped()))

    assert [content for content, *_ in attributions(alice.user)] == ["3", "2", "1", "0"]


def test_what_an_archive_tells_overwrites_what_is_known_and_what_it_does_not_leaves_it(alice):
    archive = Ours("alice")
    there = archive.memories[0] | {"actor": "Ana", "conversation": "chat"}
    archive.memories[0].update(there)
    imported(send(alice, archive.zipped()))
    memory = Memory.objects.get(pk=there["id"])
    arrival = memory.arrival
    assert (memory.actor, memory.conversation) == ("Ana", "chat")

    archive.memories[0] |= {"actor": None, "conversation": None}
    assert imported(send(alice, archive.zipped()))["memories_updated"] == 0
    memory.refresh_from_db()
    assert (memory.actor, memory.conversation) == ("Ana", "chat")

    archive.memories[0] |= {"actor": "", "conversation": "other"}
    assert imported(send(alice, archive.zipped()))["memories_updated"] == 1
    memory.refresh_from_db()
    assert (memory.actor, memory.conversation, memory.arrival) == ("", "other", arrival)


@pytest.mark.parametrize(
    "wrong",
    [
        {"actor": 5}, {"actor": "x" * 256}, {"conversation": ["a"]},
        {"conversation": "x" * 256}, {"arrival": -1}, {"arrival": 2**63}, {"arrival": "1"},
        {"arrival": 1.5},
    ],
)  # fmt: skip
def test_a_row_with_a_wrong_one_is_named_and_changes_nothing(wrong, alice):
    archive = Ours("alice")
    archive.memories[1].update(wrong)

    assert "memories[1]" in rejection(alice, archive.zipped())


@COMMITTED
@pytest.mark.parametrize("mode", ["skip", "overwrite"])
def test_own_keys_survive_and_never_take_that_of_another_memory(alice, bob, mode):
    for name in ("one", "two"):
        alice.put(f"/memories/by-key/a.b/{name}", {"text": f"Number {name}"})
    archive = export(alice)
    kept = bob.put("/memories/by-key/a.b/one", {"text": "Of Bob"}).json()["id"]

    imported(send(bob, archive, mode=mode))
    imported(send(bob, archive, mode=mode))
    Memory.objects.owned_by(alice.user).delete()
    imported(send(alice, archive, mode=mode))

    assert own_keys(alice) == {"Number one": "one", "Number two": "two"}
    assert own_keys(bob) == {"Of Bob": "one", "Number one": "", "Number two": "two"}
    assert bob.get("/memories/by-key/a.b/one").json()["id"] == kept


def own_keys(member):
    return dict(Memory.objects.owned_by(member.user).values_list("content", "own_key"))
