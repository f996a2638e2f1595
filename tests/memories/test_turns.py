"""A label before a colon is no speaker; those who take turns are."""

import pytest

from memories.lifecycle.turns import find_speakers
from memories.models import Memory

LABELS = [
    "Coffee: no sugar",
    "Python: prefer dataclasses",
    "Docker Compose: one file for each service",
    "Root Cause: the disk was full",
    "Python: use ruff",
    "Berlin: the office is in Mitte",
    "Coffee: from the shop around the corner",
]
TALK = [
    "Caroline: I went to the group yesterday.",
    "Melanie: How was it?",
    "Caroline: It was good.",
    "Melanie: I am glad.",
    "Caroline: We will go again.",
]


def actors(member):
    memories = Memory.objects.owned_by(member.user).order_by("created_at", "arrival")
    return list(memories.values_list("actor", flat=True))


def test_labels_are_no_speakers(alice):
    for text in LABELS:
        assert alice.remember(text, infer=False)["actor"] is None

    assert alice.post("/memories/filter", {"actors": ["Coffee"]}).json()["total"] == 0


@pytest.mark.parametrize("fields", [{}, {"conversation": "chat"}, {"timestamp": 1_683_554_160}])
def test_those_who_take_turns_are_speakers_from_their_first_words(fields, alice):
    for text in TALK:
        alice.remember(text, infer=False, **fields)

    assert actors(alice) == ["Caroline", "Melanie", "Caroline", "Melanie", "Caroline"]


def test_who_is_known_speaks_from_the_first_word(alice, bob):
    alice.remember("I like tea.", actor="Caroline")

    assert alice.remember("caroline: And cake.", infer=False)["actor"] is None
    assert alice.remember("Caroline: And cake.", infer=False)["actor"] == "Caroline"
    assert bob.remember("Caroline: And cake.", infer=False)["actor"] is None


def test_what_an_app_may_not_read_tells_it_of_no_speaker(alice):
    alice.remember("I like tea.", actor="Caroline", app="diary")
    app = alice.remember("Hello", app="shop", infer=False)["app_id"]
    rule = alice.post(f"/apps/{app}/rules", {"effect": "deny"})
    assert rule.status_code == 201

    shop = alice.with_key(app_name="shop")

    assert shop.remember("Caroline: And cake.", infer=False)["actor"] is None


def test_an_edit_that_puts_a_label_first_names_nobody(alice):
    memory = alice.remember("No sugar in coffee", infer=False)

    edited = alice.put(f"/memories/{memory['id']}", {"memory_content": "Coffee: no sugar"})

    assert edited.json()["actor"] is None


@pytest.mark.parametrize(
    ("names", "speakers"),
    [
        ("", ""), ("A", ""), ("AB", ""), ("ABA", ""), ("AAAA", ""), ("ABAB", "AB"),

        ("AABBAB", "AB"),
        ("ABCABC", "ABC"), ("ABCDE", ""), ("ABXAYB", "AB"), ("AABB", ""),
    ],
)  # fmt: skip
def test_speakers_take_turns(names, speakers):
    assert find_speakers(names) == set(speakers)
