"""The words that a former release stored are found again while searches go on."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Job
from jobs.runner import run_due
from memories.doctor import check_words
from memories.lifecycle.word_index import enqueue_outdated, index_words, outdated
from memories.models import Memory
from memories.models.fingerprint import fingerprint

pytestmark = pytest.mark.slow

TEXT = "Invoice INV-2024-0045 was paid."


def make_outdated(*texts: str) -> None:
    """As a former release has stored them: by words that PostgreSQL's parser found."""
    for text in texts:
        Memory.objects.filter(content=text).update(
            words="'invoic':1 'paid':6", words_version=0, fingerprint=b"former"
        )


def found(member, query: str) -> list[str]:
    hits = member.post("/memories/search", {"query": query, "explain": True}).json()["results"]
    return [hit["text"] for hit in hits if hit["explanation"]["matched_words"]]


def run_command(*arguments: str) -> str:
    out = StringIO()
    call_command("index_words", *arguments, stdout=out)
    return out.getvalue()


def test_a_job_finds_the_words_of_a_former_release_again(alice, olga):
    stored = alice.remember(TEXT)
    make_outdated(TEXT)
    assert found(alice, "paid invoice") == [TEXT]  # meanwhile
    assert found(alice, "0045") == []

    enqueue_outdated(by=olga.user)
    enqueue_outdated(by=olga.user)
    assert Job.objects.filter(kind=index_words.name).count() == 1
    run_due()

    assert Job.objects.get(kind=index_words.name).result == {"indexed": 1}
    assert found(alice, "0045") == [TEXT]
    memory = Memory.objects.get(pk=stored["id"])
    assert bytes(memory.fingerprint) == fingerprint(TEXT)
    assert memory.version == 1
    assert not outdated().exists()
    assert enqueue_outdated(by=olga.user) is None


def test_more_than_one_batch_is_indexed(alice, monkeypatch):
    monkeypatch.setattr("memories.lifecycle.word_index.BATCH_SIZE", 2)
    texts = [f"Room {number}" for number in range(5)]
    for text in texts:
        alice.remember(text)
    make_outdated(*texts)

    assert run_command("--all") == "The words of 5 memories were indexed.\n"
    assert found(alice, "room 4")[0] == "Room 4"


def test_the_command_indexes_one_user_and_even_what_is_up_to_date(alice, bob):
    alice.remember(TEXT)
    bob.remember(TEXT)
    make_outdated(TEXT)

    assert "of 1 memory" in run_command("--user", "alice")
    assert "of 0 memories" in run_command("--user", "alice")
    assert "of 1 memory" in run_command("--user", "alice", "--rebuild")
    assert json.loads(run_command("--all", "--json")) == {"ok": True, "indexed": 1}
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        run_command("--user", "nobody")


def test_housekeeping_indexes_what_the_former_release_still_stored(alice):
    alice.remember(TEXT)
    make_outdated(TEXT)

    call_command("housekeep", "--only", "words", stdout=StringIO())

    assert found(alice, "0045") == [TEXT]


def test_an_edit_finds_the_words_of_the_new_text(alice):
    stored = alice.remember("The code is P-113.")
    make_outdated("The code is P-113.")

    alice.patch(f"/memories/{stored['id']}", {"text": "The code is Q-114."})

    assert found(alice, "Q114") == ["The code is Q-114."]
    assert not outdated().exists()


def test_one_text_in_two_forms_of_unicode_is_one_memory(alice):
    composed, decomposed = "We met at the caf\u00e9", "We met at the cafe\u0301"

    first = alice.remember(composed)
    second = alice.remember(decomposed)

    assert (second["event"], second["id"]) == ("DUPLICATE", first["id"])
    assert found(alice, "cafe\u0301") == found(alice, "CAFE") == [composed]


def test_the_doctor_names_what_has_the_words_of_a_former_release(alice, olga):
    alice.remember(TEXT)
    make_outdated(TEXT)

    [finding] = list(check_words())
    assert "1 memory is found by the words of a former release" in finding.message
    enqueue_outdated(by=olga.user)
    assert "a job runs" in next(iter(check_words())).message
    run_due()
    assert next(iter(check_words())).message == "The words of every memory are indexed."


@pytest.mark.parametrize(
    ("content", "query"),
    [
        ("Stra\u00dfe 5", "strasse"),
        ("STRASSE 5", "stra\u00dfe"),
        ("He was born in \u0130stanbul", "istanbul"),
        ("the caf\u00e9", "cafe"),
        ("the cafe\u0301", "caf\u00e9"),
        ("\uff26\uff35\uff2c\uff2c", "full"),
        ("\u0141\u00f3d\u017a", "lodz"),
        ("soft\u00adhyphen", "softhyphen"),
        ("100% of a_b", "0% of a_"),
        ("a\\b", "a\\b"),
    ],
)
def test_a_list_is_searched_without_case_accents_and_width(alice, content, query):
    alice.remember(content)
    alice.remember("something else: 100 of aXb")

    listed = alice.get("/memories", {"search_query": query}).json()["items"]
    filtered = alice.post("/memories/filter", {"search_query": query}).json()["items"]

    assert [memory["content"] for memory in listed] == [content]
    assert [memory["content"] for memory in filtered] == [content]


def test_names_are_filtered_in_any_form_of_unicode(alice):
    alice.remember("I like tea.", actor="Jos\u00e9", conversation="caf\u00e9")

    for filters in ({"actors": ["jose\u0301"]}, {"conversations": ["cafe\u0301"]}):
        answer = alice.post("/memories/search", {"query": "tea", "filters": filters}).json()
        assert len(answer["results"]) == 1
