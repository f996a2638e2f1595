import json

import pytest
from django.core.management import CommandError, call_command

from memories.models import Memory

ROWS = [
    {
        "id": "0f0e0d0c-0b0a-4908-8706-050403020100",
        "memory": "I like tea",
        "user_id": "ann",
        "agent_id": "cook",
        "app_id": None,
        "session_id": "r1",
        "metadata": {"a": 1},
        "categories": ["food"],
        "created_at": "2024-01-15T10:30:00-08:00",
        "updated_at": "2024-02-15T10:30:00-08:00",
        "expiration_date": "2099-01-31",
    },
    {"id": "abc", "memory": "Without an id of its own", "user_id": "ben"},
    {"id": "x", "memory": None},
]


def run(path, *arguments):
    call_command("import_mem0", str(path), *arguments)


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"results": ROWS}))
    return path


def test_ids_and_times_are_kept(shop, export, capsys):
    run(export, "--key", shop.member.secret)

    assert "2 memories created" in capsys.readouterr().out
    shown = shop.get(f"/v1/memories/{ROWS[0]['id']}/").json()
    assert shown["created_at"] == "2024-01-15T18:30:00+00:00"
    assert shown["updated_at"] == "2024-02-15T18:30:00+00:00"
    assert shown["categories"] == ["food"]
    assert (shown["user_id"], shown["agent_id"], shown["run_id"]) == ("ann", "cook", "r1")
    assert (shown["metadata"], shown["expiration_date"]) == ({"a": 1}, "2099-01-31")
    entities = shop.get("/v1/entities/").json()["results"]
    assert {each["name"] for each in entities} == {"ann", "ben", "cook", "r1"}


def test_twice_changes_nothing_and_a_dry_run_neither(shop, export, capsys):
    run(export, "--user", "alice", "--dry-run")
    assert not Memory.objects.exists()
    run(export, "--user", "alice")
    before = sorted(Memory.objects.values_list("pk", "updated_at", "version"))

    run(export, "--user", "alice")

    assert "0 memories created, 2 already here" in capsys.readouterr().out
    assert sorted(Memory.objects.values_list("pk", "updated_at", "version")) == before


def test_another_account_gets_ids_of_its_own(shop, rival, export):
    run(export, "--user", "alice")
    run(export, "--user", "bob")
    run(export, "--user", "bob")

    assert Memory.objects.count() == 4
    assert rival.texts({"user_id": "ann"}) == {"I like tea"}


def test_lines_of_json_are_read(shop, tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS[:2]))

    run(path, "--user", "alice")

    assert Memory.objects.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        "{", "7", '"x"', "[7]", '{"results": 7}',
        json.dumps([ROWS[0], {"memory": "x", "user_id": "a" * 300}]),
        json.dumps([ROWS[0], {"memory": "x", "created_at": "soon"}]),
        json.dumps([ROWS[0], {"memory": "x", "metadata": 7}]),
        json.dumps([ROWS[0], {"memory": "x" * 40_000}]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_writes_nothing(shop, tmp_path, content):
    path = tmp_path / "export.json"
    path.write_text(content)

    with pytest.raises(CommandError):
        run(path, "--user", "alice")

    assert not Memory.objects.exists()


def test_an_account_must_be_named(db, export):
    with pytest.raises(CommandError, match="--user"):
        run(export, "--key", "nonsense")
