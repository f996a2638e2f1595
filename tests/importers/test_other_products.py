"""mcp-memory-service, Hindsight, notes, text and CSV."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from importers.source_file import WrongSource
from memories.models import Memory

from .exports import importing, zipped

pytestmark = pytest.mark.django_db

SERVICE = {
    "export_metadata": {"source_machine": "laptop", "total_memories": 2},
    "memories": [
        {
            "content": "Backups run at night",
            "content_hash": "h1",
            "tags": ["Infra", "a,b", "nightly"],
            "created_at": 1692633600.0,
            "updated_at": 1692633700.0,
            "memory_type": "note",
            "metadata": {"project": "x"},
            "export_source": "laptop",
        },
        {
            "content": "From the dashboard",
            "content_hash": "h2",
            "tags": "one, two",
            "created_at_iso": "2025-08-21T12:00:00Z",
            "memory_type": None,
            "metadata": None,
        },
    ],
}
HINDSIGHT = {
    "manifest.json": {"schema_version": 1, "source_bank_id": "b", "archive_type": "bank"},
    "documents/000000.json": {
        "id": "doc",
        "original_text": "…",
        "created_at": "2026-01-01T00:00:00Z",
        "facts": [
            {
                "text": "Ana moved to Porto",
                "fact_type": "world",
                "context": "a call",
                "occurred_start": "2025-12-01T00:00:00Z",
                "mentioned_at": "2026-01-02T03:04:05Z",
                "metadata": {"k": "v"},
                "tags": ["moves"],
                "entities": ["Ana", "Porto"],
            },
            {"text": "No time of its own", "fact_type": "experience"},
        ],
    },
    "observations.json": [{"text": "Ana moves often", "tags": [], "proof_count": 3}],
    "mental_models.json": [{"id": "m", "name": "Ana", "content": "She moves.", "tags": None}],
    "banks.json": [{"bank_id": "b"}],
}


def hindsight(**changes):
    members = {name: json.dumps(value) for name, value in {**HINDSIGHT, **changes}.items()}
    return zipped(members)


def stored(member):
    return {each.content: each for each in Memory.objects.filter(user=member.user)}


def names(memory):
    return sorted(memory.categories.values_list("name", flat=True))


def test_mcp_memory_service(alice):
    result = importing(alice, json.dumps(SERVICE).encode(), "export.json").run()

    assert (result["source"], result["memories_created"]) == ("mcp-memory-service", 2)
    memories = stored(alice)
    backups = memories["Backups run at night"]
    assert backups.created_at == datetime.fromtimestamp(1692633600, UTC)
    assert backups.updated_at == datetime.fromtimestamp(1692633700, UTC)
    assert backups.metadata == {"project": "x", "memory_type": "note", "tags": ["a,b"]}
    assert names(backups) == ["infra", "nightly"]
    other = memories["From the dashboard"]
    assert (names(other), other.metadata) == (["one", "two"], {})
    assert other.created_at == datetime(2025, 8, 21, 12, tzinfo=UTC)
    again = importing(alice, json.dumps(SERVICE).encode(), "export.json").run()
    assert again["memories_created"] == 0


def test_the_export_of_its_dashboard(alice):
    export = {"export_date": "2026-01-01T00:00:00Z", "memories": SERVICE["memories"]}

    assert importing(alice, json.dumps(export).encode()).run()["memories_created"] == 2


def test_hindsight(alice):
    result = importing(alice, hindsight(), "bank.zip").run()

    assert (result["source"], result["memories_created"]) == ("hindsight", 4)
    memories = stored(alice)
    ana = memories["Ana moved to Porto"]
    assert ana.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert names(ana) == ["moves"]
    assert ana.metadata == {
        "k": "v",
        "fact_type": "world",
        "context": "a call",
        "entities": ["Ana", "Porto"],
        "document": "doc",
        "occurred_start": "2025-12-01T00:00:00Z",
    }
    assert memories["No time of its own"].created_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert memories["Ana moves often"].metadata == {"fact_type": "observation"}
    assert memories["She moves."].metadata == {"fact_type": "mental model", "name": "Ana"}
    assert importing(alice, hindsight()).run()["memories_created"] == 0


def test_hindsight_in_another_version_is_refused(alice):
    manifest = {"schema_version": 2, "source_bank_id": "b"}

    with pytest.raises(WrongSource, match="version 2"):
        importing(alice, hindsight(**{"manifest.json": manifest})).run()


VAULT = {
    "Vault/.obsidian/app.json": "{}",
    "__MACOSX/Vault/._Tea.md": "x",
    "Vault/Tea.md": "---\ntags: [Drinks, hot/green]\ncreated: 2024-03-01\naliases:\n  - Cha\n"
    "date: someday\n---\nLikes *sencha*.\n",
    "Vault/sub/Plain.md": "\ufeffNo front matter,\r\njust text.\n\n",
    "Vault/sub/Broken.md": "---\n[unclosed\n---\nText after",
    "Vault/Empty.md": "---\ntags: x\n---\n\n",
    "Vault/image.png": b"\x89PNG",
}


def test_a_folder_of_notes(alice):
    result = importing(alice, zipped(VAULT), "vault.zip").run()

    assert (result["source"], result["memories_created"], result["empty"]) == ("markdown", 3, 1)
    memories = stored(alice)
    tea = memories["Likes *sencha*."]
    assert tea.created_at == datetime(2024, 3, 1, tzinfo=UTC)
    assert names(tea) == ["drinks", "hot/green"]
    assert tea.metadata == {"file": "Tea.md", "aliases": ["Cha"], "date": "someday"}
    assert memories["No front matter,\r\njust text."].metadata == {"file": "sub/Plain.md"}
    assert "---\n[unclosed\n---\nText after" in memories
    moved = {name.removeprefix("Vault/"): text for name, text in VAULT.items()}
    assert importing(alice, zipped(moved)).run()["memories_created"] == 0


def test_yaml_made_to_do_harm_is_text(alice):
    bomb = "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\nBoom"
    deep = "---\na: " + "[" * 3000 + "]" * 3000 + "\n---\nDeep"
    notes = {
        "a.md": bomb,
        "b.md": deep,
        "c.md": "---\nn: 2024-99-99\n1: !!python/name:os.system\n---\nC",
    }

    importing(alice, zipped(notes)).run()

    assert {text[:3] for text in stored(alice)} == {"---"}


def test_one_note_by_itself(alice):
    assert importing(alice, b"# Hello", "Hello.md").run()["source"] == "markdown"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Likes tea\nHas a dog\n", {"Likes tea", "Has a dog"}),
        ("- Likes tea\n- Has a dog", {"Likes tea", "Has a dog"}),
        ("One paragraph\nof two lines.\n\nAnother.", {"One paragraph\nof two lines.", "Another."}),
        ("Intro\r\n\r\n1. a first\r\n2. second", {"Intro", "a first", "second"}),
        ("[2025-05-02] - Likes tea\n[2025-05-03]. Dog", {"Likes tea", "Dog"}),
        ("- item\n  goes on\n- next\n\nend", {"item\n  goes on", "next", "end"}),
    ],
)
def test_plain_text(alice, text, expected):
    result = importing(alice, text.encode(), "notes.txt").run()

    assert result["source"] == "text"
    assert set(stored(alice)) == expected


def test_a_text_that_has_grown_brings_what_is_new(alice):
    importing(alice, b"Likes tea", "notes.txt").run()

    result = importing(alice, b"[2025-05-02]. Has a dog\nLikes tea", "notes.txt").run()

    assert (result["memories_created"], result["memories_unchanged"]) == (1, 1)
    assert stored(alice)["Has a dog"].created_at == datetime(2025, 5, 2, tzinfo=UTC)


def test_csv(alice):
    table = (
        "\ufeffID;Text;Created;Tags;Mood;metadata\r\n"
        '7;"Likes ""green"" tea;\r\nand coffee";2025-01-02T03:04:05+02:00;food, drinks;good;'
        '"{""a"": 1}"\r\n'
        "8;Short;someday;;;odd\r\n"
        "9;;;;;\r\n"
    )

    result = importing(alice, table.encode(), "table.csv").run()

    assert (result["source"], result["memories_created"], result["empty"]) == ("csv", 2, 1)
    memories = stored(alice)
    tea = memories['Likes "green" tea;\r\nand coffee']
    assert tea.created_at == datetime(2025, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert tea.metadata == {"a": 1, "Mood": "good"}
    assert names(tea) == ["drinks", "food"]
    assert memories["Short"].metadata == {"metadata": "odd", "date": "someday"}
    assert importing(alice, table.encode(), "table.csv").run()["memories_created"] == 0


@pytest.mark.parametrize(
    ("table", "detail"),
    [
        (b"a,b\n1,2\n", "no column"),
        (b"", "no column"),
        (b"text\nx,y\n", "more cells"),
        (b'text\n"open', "no CSV"),
        (b'text\n"a"b\n', "no CSV"),
        (b"text\n" + b"x" * 200_000, "no CSV"),
        (b"text," + b"c," * 200, "more than 100 columns"),
    ],
)
def test_tables_that_are_none(alice, table, detail):
    with pytest.raises(Exception, match=detail):
        importing(alice, table, "t.csv", source="csv").run()


def test_of_too_many_tags_the_rest_stays_in_the_metadata(alice, monkeypatch):
    monkeypatch.setattr("importers.foreign_memory.MAX_CATEGORIES", 2)

    importing(alice, json.dumps(SERVICE).encode()).run()

    assert stored(alice)["From the dashboard"].metadata == {"tags": ["one", "two"]}
