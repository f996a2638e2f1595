"""Files made to do harm are refused, and nothing is stored."""

from __future__ import annotations

import io
import json
import re
import stat
import time
import zipfile

import pytest

from backups.archive.errors import ArchiveTooLarge, BadArchive
from core.errors import OpenMemoryError
from importers import foreign_memory, source_file
from importers.source_file import WrongSource
from importers.sources import NAMES
from memories.models import Memory

from . import exports
from .exports import importing, zipped

pytestmark = pytest.mark.django_db


def refusal(member, content, name="file", source="auto"):
    with pytest.raises(OpenMemoryError) as caught:
        importing(member, content, name, source=source).run()
    assert not Memory.objects.exists()
    return caught.value


def with_text(text):
    """ChatGPT's export in which the last answer says this, as JSON."""
    answer = json.dumps(exports.CHATGPT).replace('"In Bel\\u00e9m."', text)
    assert text in answer
    return answer.encode()


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (with_text('"a\\u0000b"'), "NUL"),
        (with_text('"\\ud800"'), "surrogates"),
        (with_text('"\xff"').replace("\xff".encode(), b"\xff"), "not UTF-8"),
        (with_text('"x", NaN'), "NaN"),
        (with_text("[" * 100 + "]" * 100), "nested"),
        (with_text("[" * 100_000 + "]" * 100_000), "nested|objects and lists"),
        (exports.graph()[:-20], "not JSON"),
        (exports.graph() + b"[[[", "not JSON"),
        (b'[{"mapping": {}, "mapping": {}}]', "twice|2 times"),
    ],
)
def test_json(alice, content, detail):
    source = "mcp-memory" if b"observations" in content else "chatgpt"
    error = refusal(alice, content, source=source)
    assert re.search(detail, error.detail), error.detail


def test_an_error_after_good_memories_stores_none_of_them(alice):
    line = b'{"type": "relation", "from": "a", "to": "%d", "relationType": "r"}\n'
    lines = b"".join(line % number for number in range(1200))

    assert "line 1201" in refusal(alice, lines + b"{").detail


@pytest.mark.parametrize("name", ["../x.md", "/etc/x.md", "a\\b.md", "C:/x.md"])
def test_paths(alice, name):
    assert "outside" in refusal(alice, zipped({"a.md": "x", name: "y"})).detail


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(alice, kind):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("note.md")
        link.external_attr = (kind | 0o777) << 16
        archive.writestr(link, "/etc/passwd")

    assert "a link" in refusal(alice, target.getvalue()).detail


def test_a_bomb(alice):
    bomb = zipped({"notes.md": "a" * 50_000_000})

    assert isinstance(refusal(alice, bomb), ArchiveTooLarge)


def test_a_bomb_of_many_files(alice, settings):
    settings.IMPORT_MAX_UNPACKED_BYTES = 100_000
    notes = {f"{number}.md": "x" * 1000 for number in range(200)}

    assert "unpacks to more" in refusal(alice, zipped(notes)).detail


@pytest.mark.parametrize("share", range(10, 100, 15))
def test_a_zip_that_was_cut_off(alice, share):
    archive = exports.claude()

    refusal(alice, archive[: len(archive) * share // 100])


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(alice):
    target = io.BytesIO(exports.claude())
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr("data/memories.json", "[]")

    assert "Two members" in refusal(alice, target.getvalue()).detail


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv"])
@pytest.mark.parametrize(
    ("content", "detail"),
    [
        ("text\nplain\nn\xe4he".encode("latin-1"), "not UTF-8"),
        ("text\nplain".encode("utf-16"), "not UTF-8|unknown"),
        (b"text\nfirst\nsecond\0", "NUL"),
    ],
)
def test_text(alice, name, content, detail):
    sources = {"a.txt": "text", "a.md": "markdown", "a.csv": "csv"}
    error = refusal(alice, content, name, source=sources[name])
    assert any(each in error.detail for each in detail.split("|"))


def test_a_line_and_a_text_without_end(alice, monkeypatch):
    monkeypatch.setattr(source_file, "MAX_LINE_CHARACTERS", 100_000)
    monkeypatch.setattr(source_file, "MAX_TEXT_CHARACTERS", 100_000)

    assert "longer" in refusal(alice, b"text\n" + b"x" * 400_000, "a.csv").detail
    assert "more than" in refusal(alice, b"x" * 400_000, "a.txt").detail


def test_more_memories_than_a_file_may_have(alice, monkeypatch):
    monkeypatch.setattr(foreign_memory, "MAX_MEMORIES", 3)

    assert refusal(alice, b"a\nb\nc\nd", "a.txt").code == "too_many_records"


def test_metadata_and_names_that_are_too_long(alice):
    note = "---\nlong: " + "x" * 20_000 + "\n---\nText"
    assert "metadata" in refusal(alice, zipped({"a.md": note})).detail
    row = b"text,app\nhello," + b"x" * 300
    assert refusal(alice, row, "a.csv").detail.startswith("a.csv, line 2: `app`")


@pytest.mark.parametrize("source", NAMES)
@pytest.mark.parametrize(
    "content", [b"", b"PK\3\4", b"PK\5\6" + bytes(18), b"\x89PNG\r\n", bytes(1000), b"{" * 5_000]
)
def test_any_source_refuses_any_rubbish_or_finds_nothing(alice, source, content):
    began = time.process_time()
    try:
        result = importing(alice, content, source=source).run()
    except (WrongSource, BadArchive, ArchiveTooLarge):
        pass
    else:
        assert result["memories_created"] <= 20
    assert time.process_time() - began < 30
