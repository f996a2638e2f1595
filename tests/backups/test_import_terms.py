"""Expiry, validity, immutability and supersession in exports and imports."""

import pytest

from memories.models import Memory, Revision
from tests.backups.archive_factory import Original, Ours
from tests.backups.imports import export, imported, rejection, send

pytestmark = pytest.mark.slow

# An export reads by a connection of its own, which sees only what is committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

FUTURE = 4_000_000_000
TERMS = {
    "expires_at": "2096-10-02T07:06:40+00:00",
    "valid_from": "2024-01-01T00:00:00+00:00",
    "valid_until": "2025-01-01T00:00:00+00:00",
    "immutable": True,
}


def rows(user):
    memories = Memory.objects.owned_by(user).order_by("content")
    return [(memory.content, memory.state, memory.terms) for memory in memories]


def former_terms(user):
    return list(Revision.objects.filter(memory__user=user).values_list("terms", flat=True))


@COMMITTED
def test_all_of_it_survives_an_export_and_an_import_into_anybody(alice, bob):
    old = alice.remember("Ada lives in Porto")
    alice.remember("Ada lives in Rome", supersedes=[old["id"]], valid_from=5, immutable=True)
    alice.remember("The gym is closed", expires_at=5)
    edited = alice.remember("Tea", valid_until=FUTURE)["id"]
    alice.patch(f"/memories/{edited}", {"valid_until": None, "expires_at": FUTURE})
    before = rows(alice.user)
    archive = export(alice)
    Memory.objects.owned_by(alice.user).delete()

    imported(send(bob, archive))
    imported(send(alice, archive))
    again = imported(send(alice, archive))

    assert rows(alice.user) == rows(bob.user) == before
    assert former_terms(alice.user) == [{"expires_at": None, "valid_until": FUTURE}]
    assert former_terms(bob.user) == former_terms(alice.user)
    assert again["memories_updated"] == 0
    assert bob.get("/memories").json()["total"] == 2


def test_an_archive_without_terms_has_none_and_leaves_those_that_are_there(alice):
    archive = Original("alice")
    imported(send(alice, archive.zipped()))
    memory = Memory.objects.get(pk=archive.memories[0]["id"])
    assert (memory.expires_at, memory.immutable) == (None, False)
    alice.patch(f"/memories/{memory.pk}", {"expires_at": FUTURE})

    archive.memories[0]["content"] = "Something else"
    imported(send(alice, archive.zipped(), "?mode=overwrite"))

    memory.refresh_from_db()
    assert (memory.content, int(memory.expires_at.timestamp())) == ("Something else", FUTURE)


def test_what_is_immutable_here_is_not_overwritten(alice):
    archive = Ours("alice")
    imported(send(alice, archive.zipped()))
    memory = Memory.objects.get(pk=archive.memories[0]["id"])
    alice.patch(f"/memories/{memory.pk}", {"immutable": True})

    archive.memories[0]["content"] = "Something else"
    imported(send(alice, archive.zipped(), "?mode=overwrite"))

    assert Memory.objects.get(pk=memory.pk).content == memory.content


def test_an_archive_overwrites_the_terms(alice):
    archive = Ours("alice")
    imported(send(alice, archive.zipped()))

    archive.memories[0] |= TERMS
    imported(send(alice, archive.zipped(), "?mode=overwrite"))

    memory = Memory.objects.get(pk=archive.memories[0]["id"])
    assert {name: getattr(memory, name) for name in TERMS if name == "immutable"} == {
        "immutable": True
    }
    assert [getattr(memory, name).isoformat() for name in list(TERMS)[:3]] == list(TERMS.values())[
        :3
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"valid_from": TERMS["valid_until"], "valid_until": TERMS["valid_from"]},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "9999-06-01T00:00:00+00:00"},
        {"immutable": "yes"},
    ],
)
def test_terms_that_are_wrong_are_named(alice, wrong):
    archive = Ours("alice")
    archive.memories[0] |= wrong

    assert "memories.json" in rejection(alice, archive.zipped())
