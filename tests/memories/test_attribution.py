"""Which leading names of a text are speakers, and which labels before a colon are not."""

from importlib import import_module

import pytest

from memories.lifecycle.attribution import (
    actor_after_edit,
    find_actor,
    find_conversation,
    leading_name,
)
from memories.models import Memory
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

NAMES = [
    "Caroline", "Mel", "Jo", "Ana María", "Jean-Luc Picard", "Seán O'Brien", "D\u2019Angelo",
    "Ludwig van Beethoven", "Maria de la Cruz", "J. K. Rowling", "J.K. Rowling", "Dr. Smith",
    "Mrs Dalloway", "McDonald", "Željko", "Éowyn", "İrem", "Øystein", "Nguyễn Văn An", "Mom",
    "Анна", "Анна Ахматова", "Γιώργος", "Հայկ", "გიორგი", "小明", "王小明", "让·雷诺", "花子",
    "キャロライン", "지민", "محمد", "محمد علي", "שרה", "अनिता", "लक्ष्मी", "สมชาย", "user",
    "assistant",
]  # fmt: skip

NO_NAMES = [
    "Note", "note", "NOTE", "Notes to Self", "Reminder", "TODO", "Todo", "FYI", "P.S.", "NB",
    "TL;DR",
    "Home Address", "Phone", "Favorite Color", "Favorite colour", "Birthday", "Question", "Q", "A",
    "Re", "Subject", "Monday", "Warning", "Important", "Meeting", "Email", "Step 1", "Day 3", "10",
    "Room 101", "3rd", "https", "C", "std", "my dog", "i think", "iPhone", "snake_case", "@ana",
    "#tea", "Pros", "Cons", "Before", "After", "Breakfast", "Symptom", "Root Cause", "Expected",
    "Frontend", "Nachteile",
    "*Ana*", "[Ana]", "(Ana)", "Ana (she/her)", "ANNA", "System", "system", "developer", "tool",
    "He said that this is the only way in which anybody can do it", "A B C",
    "Notiz", "Termin", "Einkauf", "Adresse", "Wichtig", "Lieblingsfarbe", "Heute",
    "Rappel", "Adresse", "À faire", "Idée", "Nota", "Recordatorio", "Dirección", "Cumpleaños",
    "Promemoria", "Lembrete", "Herinnering", "Заметка", "ВАЖНО", "Напоминание", "День рождения",
    "注意", "备注", "提醒", "电话", "今天", "メモ", "電話番号", "메모", "주소", "ملاحظة", "تذكير",
    "नोट", "הערה", "今天我们去了一个很远的地方",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_text_that_begins_with_a_name_was_said_by_them(name):
    assert leading_name(f"{name}: I went to the group yesterday") == name
    assert leading_name(f"{name}\uff1a我今天去了") == name
    assert find_actor(f"{name}: I went there.\n{name}: It was good.", {}) == name


@pytest.mark.parametrize("label", NO_NAMES)
def test_what_merely_stands_before_a_colon_is_nobody(label):
    assert leading_name(f"{label}: buy milk") == ""
    assert find_actor(f"{label}: buy milk\n{label}: and tea", {}) == ""


@pytest.mark.parametrize(
    "text",
    [
        "http://example.org", "https://example.org: a page", "Caroline:", "Caroline:\n",
        "Caroline :-)",
        "10:30 dentist", "12:00: lunch", "Romans 8:28", "Ratio 3:2", "key:value", "Caroline:hi",
        "I met Caroline: she is nice", "- Caroline: hi", "", ":", ": a", "\uff1a", "Tea, please.",
        "Std::string", "Ana\nBo: hi", "Caroline says: hi", "Coffee: no sugar",
        "Python: prefer dataclasses", "Docker Compose: one file for each service",
        "Root Cause: the disk was full", "Coffee: no sugar\nTea: with milk",
    ],
)  # fmt: skip
def test_a_text_without_a_leading_name_was_said_by_nobody_known(text):
    assert find_actor(text, {}) == ""


@pytest.mark.parametrize(
    ("text", "actor"),
    [
        ("Ana: I like tea.\nAna: And cake.", "Ana"),
        ("Ana: I like tea.\n  Bo: is quoted here.\nhttp://a.b", ""),
        ("Ana: I like tea.\nAna: Green.\n  Bo: is quoted here.\nhttp://a.b", "Ana"),
        ("Ana: I like tea.\nBo: I do not.", ""),
        ("Ana: I like tea.\nBo: I do not.\nAna: Oh.", ""),
        ("We talked.\nAna: I like tea.", ""),
        ("Note: we talked.\nAna: I like tea.", ""),
        ("Ana: I like tea.\nNote: she means green tea.\nAna: I do.", "Ana"),
        ("\n Ana: I like tea.\nAna: And cake.", "Ana"),
        ("Ana  María: Hola\nAna María: Adiós", "Ana María"),
        ("Ana: I like tea.", ""),
        ("user: I like tea.", "user"),
    ],
)
def test_of_a_transcript_the_only_one_who_speaks_is_its_actor(text, actor):
    assert find_actor(text, {}) == actor


def test_what_an_app_says_goes_before_what_the_text_says():
    text = "Ana: I like tea.\nAna: And cake."

    assert find_actor(text, {"actor": "Bo"}, explicit="Cy", speaker="Di") == "Cy"
    assert find_actor(text, {"actor": "Bo"}, speaker="Di") == "Bo"
    assert find_actor(text, {}, speaker="Di") == "Di"
    assert find_actor(text, {}, speaker="") == ""
    assert find_actor(text, {}) == "Ana"


@pytest.mark.parametrize("value", [None, 7, "", " ", "x" * 256, ["Bo"], {"name": "Bo"}, True])
def test_what_is_no_name_in_the_metadata_names_nobody(value):
    assert find_actor("I like tea.", {"actor": value}) == ""


@pytest.mark.parametrize(
    ("metadata", "conversation"),
    [
        ({}, ""), ({"run_id": "run 7"}, "run 7"), ({"run_id": 7}, "7"), ({"run_id": 7.5}, "7.5"),
        ({"run_id": ""}, ""), ({"run_id": " "}, ""), ({"run_id": None}, ""), ({"run_id": True}, ""),
        ({"run_id": ["a"]}, ""), ({"run_id": "x" * 256}, ""), ({"run_id": 10**300}, ""),
    ],
)  # fmt: skip
def test_a_run_in_the_metadata_is_the_conversation_when_none_is_named(metadata, conversation):
    assert find_conversation(metadata) == conversation
    assert find_conversation(metadata, explicit="chat") == "chat"


@pytest.mark.parametrize(
    ("actor", "before", "after", "then"),
    [
        ("Ana", "Ana: I like tea.", "Bo: I like tea.", "Bo"),
        ("Ana", "Ana: I like tea.", "Ana likes tea.", "Ana"),
        ("Ana", "Ana: I like tea.", "Note: Ana likes tea.", "Ana"),
        ("Ana", "I like tea.", "Bo: I like tea.", "Ana"),
        ("", "I like tea.", "Bo: I like tea.", "Bo"),
        ("", "I like tea.", "Coffee: no sugar", ""),
        ("", "I like tea.", "Cy: I like tea.\nCy: And cake.", "Cy"),
        ("Ana", "Ana: I like tea.", "Coffee: no sugar", "Ana"),
        ("", "I like tea.", "I like cake.", ""),
    ],
)
def test_an_edit_changes_who_said_it_only_where_the_text_was_what_told(actor, before, after, then):
    edited = actor_after_edit(actor, before=before, after=after, is_known=["Ana", "Bo"].count)
    assert edited == then


MIGRATION = import_module("memories.migrations.0019_make_out_who_said")


@pytest.mark.slow
def test_of_memories_that_were_there_before_it_is_made_out(alice, monkeypatch):
    expected = {
        "Caroline: I went.\nCaroline: It was good.": ({}, "Caroline", ""),
        "小明\uff1a我去了\n小明\uff1a好": ({}, "小明", ""),
        "Caroline: I went there.": ({}, "", ""),
        "I went there.": ({"actor": "Mel", "run_id": 7}, "Mel", "7"),
        "Nobody said this.": ({"run_id": "x"}, "", "x"),
        "Note: buy milk": ({"actor": 5}, "", ""),
        "Tea": ({}, "", ""),
    }
    memories = stock(alice.user, list(expected))
    for memory in memories:
        memory.metadata = expected[memory.content][0]
    Memory.objects.bulk_update(memories, ["metadata"])
    before = list(Memory.objects.order_by("pk").values("pk", "arrival", "updated_at", "metadata"))
    monkeypatch.setattr(MIGRATION, "AT_ONCE", 2)

    for _ in range(2):
        MIGRATION.make_out(None, None)

        made_out = Memory.objects.values_list("content", "actor", "conversation")
        assert {content: (actor, where) for content, actor, where in made_out} == {
            content: (actor, where) for content, (_, actor, where) in expected.items()
        }
    after = list(Memory.objects.order_by("pk").values("pk", "arrival", "updated_at", "metadata"))
    assert after == before


def test_who_is_named_already_stays(alice):
    [memory] = stock(alice.user, ["Ana: I like tea."], actor="Bo")

    MIGRATION.make_out(None, None)

    memory.refresh_from_db()
    assert (memory.actor, memory.conversation) == ("Bo", "")
