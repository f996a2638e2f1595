"""Markdown: what is exported and imported elsewhere is the same, to the letter."""

from __future__ import annotations

import io
import random
import uuid
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from django.core.management import call_command

from backups.archive.errors import BadArchive
from backups.export_queries import ExportFilters
from backups.front_matter import read_fields, split_note, write_note
from backups.markdown_export import export_markdown
from importers.source_file import SourceFile
from importers.sources import SOURCES
from memories.models import Memory

from .exports import importing, zipped

COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)

PIECES = [
    *("---", "---\n", "\n---\n", "...", "openmemory: 1", "id: x\n", "\r\n", "\r", "\n", "\n\n\n"),
    *(" ", "  \t", "\t", "```\ncode\n---\n```", "# Heading", "- item", '{"a": 1}', '"', "'"),
    *("\\", "\\n", "\u2028", "\u2029", "\x85", "\x7f", "\x0b", "\x0c", "\ufeff", "\ufffe"),
    *("\u200b", "\u202e", "é", "e\u0301", "日本語", "👩\u200d👩\u200d👧", "\U0001d11e", "<!-- -->"),
    *("[[link]]", "%%", "$x$", "|", "&amp;", ": ", "!!", "*a", "&a"),
]

TEXTS = [
    *('---\nopenmemory: 1\nid: "x"\n---\nnot front matter', "---", "---\n", "\n---\n-"),
    *("  leading", "trailing  \n\n", "\r\nwindows\r\nlines\r\n", "old\rmac\r"),
    *("```\n---\na: b\n---\n```", "\ufeffbom", "x\u2028y\u2029z\x85", "tab\tend\t", ".", "日本語"),
    *("a\n\n\n\nb", "&a *a !!x %TAG", "x" * 32 * 1024),
]


def random_text(number):
    rng = random.Random(number)
    return "".join(rng.choices(PIECES, k=rng.randint(1, 30))) or "x"


def test_ten_thousand_files_are_read_as_they_were_written():
    texts = [random_text(number) for number in range(10_000)]
    moment = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    notes = {}
    for number, text in enumerate(texts):
        fields = {
            "id": str(uuid.UUID(int=number)),
            "app": text[:20],
            "created_at": moment,
            "updated_at": moment,
            "metadata": {text[:30]: [text, number / 7, None, True]},
            "actor": text[:50],
        }
        notes[f"memories/{number:05}.md"] = write_note(fields, text)
    file = SourceFile(io.BytesIO(zipped(notes)), "m.zip")

    records = list(SOURCES["markdown"].read(file))

    assert [record.text for record in records] == texts
    assert [record.kept.pk.int for record in records] == list(range(10_000))
    for number, (record, text) in enumerate(zip(records, texts, strict=True)):
        assert record.metadata == {text[:30]: [text, number / 7, None, True]}
        assert (record.app, record.actor) == (text[:20], text[:50])


def test_the_front_matter_is_yaml_for_others():
    for number in range(300):
        text = random_text(number)
        front, body = split_note(write_note({"metadata": {"k": text}}, text))

        assert yaml.safe_load(front) == {"openmemory": 1, "metadata": {"k": text}}
        assert body == text
        assert read_fields(front) == {"openmemory": 1, "metadata": {"k": text}}


@pytest.fixture
def full(alice, bob):
    """Memories of alice in every state, with everything that they can have."""
    for number, text in enumerate(TEXTS):
        alice.remember(text, app=f"app {number % 3}", infer=False)
    first, second, *_ = Memory.objects.order_by("arrival")
    now = datetime.now(UTC)
    alice.patch(
        f"/memories/{first.pk}",
        {"categories": ["food", "größe"], "metadata": {"ä\u2028": [1.5, {}]}},
    )
    ids = Memory.objects.order_by("arrival").values_list("pk", flat=True)
    Memory.objects.filter(pk=second.pk).update(
        actor="Ana", conversation="c 1", agent_id="x", created_at=now - timedelta(days=400),
        valid_from=now - timedelta(days=9), valid_until=now + timedelta(days=9),
        expires_at=now + timedelta(days=99), immutable=True, namespace="a.b", own_key="k/1",
    )  # fmt: skip
    third, fourth, fifth, sixth = Memory.objects.filter(pk__in=list(ids)[2:6]).order_by("arrival")
    Memory.objects.filter(pk=third.pk).change_state("paused", by=alice.user)
    Memory.objects.filter(pk=fourth.pk).change_state("archived", by=alice.user)
    Memory.objects.filter(pk=fifth.pk).supersede_by(sixth, by=alice.user, reason="superseded")
    alice.post("/memories", {"text": "gone", "infer": False})
    alice.delete(f"/memories/{Memory.objects.get(content='gone').pk}")
    return alice


def rows(member, *, ids):
    fields = [
        "content", "metadata", "state", "state_changed_at", "actor", "conversation", "agent_id",
        "created_at", "updated_at", "expires_at", "valid_from", "valid_until", "immutable",
        "app__name", "superseded_by__content", "namespace", "own_key",
    ]  # fmt: skip
    memories = Memory.objects.filter(user=member.user).exclude(state="deleted")
    return [
        (
            memory.pk if ids else None,
            *[_follow(memory, name) for name in fields],
            sorted(memory.categories.values_list("name", flat=True)),
        )
        for memory in memories.order_by("arrival")
    ]


def _follow(memory, path):
    value = memory
    for name in path.split("__"):
        value = getattr(value, name, None)
    return value


@COMMITTED
def test_an_export_comes_back_with_everything(full, bob):
    target = io.BytesIO()
    count = export_markdown(full.user, target, filters=ExportFilters())
    archive = target.getvalue()
    before, with_ids = rows(full, ids=False), rows(full, ids=True)
    assert count == len(before) == len(TEXTS)

    again = importing(full, archive, "m.zip").run()
    assert (again["memories_created"], again["memories_unchanged"]) == (0, count)
    assert rows(full, ids=True) == with_ids

    importing(bob, archive, "m.zip").run()
    assert rows(bob, ids=False) == before
    assert importing(bob, archive, "m.zip").run()["memories_created"] == 0

    Memory.objects.filter(user=full.user).delete()
    importing(full, archive, "m.zip").run()
    assert rows(full, ids=True) == with_ids


@COMMITTED
def test_the_command_and_the_api_write_the_same(full, tmp_path):
    path = tmp_path / "alice.zip"
    call_command("export_backup", "alice", "-o", str(path), "--format", "markdown", "--quiet")
    answer = full.post("/backup/export", {"format": "markdown"})

    assert answer.status_code == 200
    assert "memories_markdown_alice.zip" in answer.headers["Content-Disposition"]
    by_api = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    by_command = zipfile.ZipFile(path)
    assert by_api.namelist() == by_command.namelist()
    assert {by_api.read(name) for name in by_api.namelist()} == {
        by_command.read(name) for name in by_command.namelist()
    }
    assert full.post("/backup/export", {"format": "pdf"}).status_code in (400, 422)


@COMMITTED
def test_only_one_app_can_be_exported(full):
    app = Memory.objects.order_by("arrival").first().app

    answer = full.post("/backup/export", {"format": "markdown", "app_id": str(app.pk)})

    archive = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert len(archive.namelist()) == Memory.objects.filter(app=app).count()


OWN = (
    '---\nopenmemory: 1\nid: "0f0e0d0c-0b0a-4908-8706-050403020100"\n'
    'created_at: "2026-01-01T00:00:00+00:00"\n{}---\nText'
)
WRONG = [
    *("id: 5", 'id: "x"', 'state: "deleted"', 'created_at: "soon"', "metadata: []"),
    *("categories: {}", "immutable: 1", "openmemory: 2", 'valid_from: "2026-01-01"'),
    *("superseded_by: 7", "app: [1]", "own_key: 1", 'namespace: "a b"'),
]


@pytest.mark.django_db
@pytest.mark.parametrize("line", WRONG)
def test_a_field_that_is_none_is_refused(alice, line):
    with pytest.raises(BadArchive, match=r"^a\.md: "):
        importing(alice, zipped({"a.md": OWN.format(line + "\n")})).run()


@pytest.mark.django_db
def test_a_file_edited_by_hand_is_still_ours(alice):
    note = OWN.format("categories: [food, tea]\nactor: Ana\nstate: paused\n")

    importing(alice, zipped({"a.md": note})).run()

    memory = Memory.objects.get()
    assert str(memory.pk) == "0f0e0d0c-0b0a-4908-8706-050403020100"
    assert (memory.actor, memory.state) == ("Ana", "paused")
    assert set(memory.categories.values_list("name", flat=True)) == {"food", "tea"}
