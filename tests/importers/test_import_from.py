import json

import pytest
from django.core.management import CommandError, call_command

from apps_registry.models import App
from memories.models import Memory

from . import exports

pytestmark = pytest.mark.django_db


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.zip"
    path.write_bytes(exports.chatgpt())
    return path


def test_a_dry_run_shows_what_would_come(alice, export, capsys):
    call_command("import_from", "auto", str(export), "--user", "alice", "--dry-run")

    shown = capsys.readouterr().out
    assert "From ChatGPT: 4 memories would be created" in shown
    assert "Moves to Lisbon in May" in shown
    assert not Memory.objects.exists()
    assert not App.objects.exists()


def test_the_result_as_json(alice, export, capsys):
    call_command("import_from", "chatgpt", str(export), "--user", "alice", "--json")

    result = json.loads(capsys.readouterr().out)
    assert result["ok"]
    assert (result["memories_created"], result["dry_run"]) == (4, False)
    assert Memory.objects.filter(user=alice.user).count() == 4


def test_a_refusal_as_json(alice, tmp_path, capsys):
    path = tmp_path / "x.json"
    path.write_text("[]")

    with pytest.raises(CommandError):
        call_command("import_from", "claude", str(path), "--user", "alice", "--json")

    assert json.loads(capsys.readouterr().out)["error"]["code"] == "wrong_source"


@pytest.mark.parametrize("arguments", [["auto", "/nowhere"], ["other", "{export}"]])
def test_no_file_and_an_unknown_source(alice, export, arguments):
    with pytest.raises(CommandError):
        call_command(
            "import_from", *[each.format(export=export) for each in arguments], "--user", "alice"
        )


def test_who_is_unknown_gets_nothing(db, export):
    with pytest.raises(CommandError):
        call_command("import_from", "auto", str(export), "--user", "nobody")


def test_a_dry_run_counts_what_will_not_be_kept(alice, tmp_path, capsys):
    alice.patch("/users/me", {"categories_not_kept": ["Health"]})
    path = tmp_path / "notes.csv"
    path.write_text("text,tags,app\nLikes tea,home,notes\nTakes aspirin,health,diary\n")
    counts = {"memories_created", "memories_unchanged", "not_kept", "parts", "apps"}
    results = []

    for arguments in (["--dry-run"], [], []):
        call_command("import_from", "csv", str(path), "--user", "alice", "--json", *arguments)
        result = json.loads(capsys.readouterr().out)
        results.append({name: result[name] for name in counts})

    assert results[0] == results[1]
    assert (results[0]["memories_created"], results[0]["not_kept"]) == (1, 1)
    assert results[0]["apps"] == ["notes"]
    assert (results[2]["memories_unchanged"], results[2]["not_kept"]) == (1, 1)
    assert Memory.objects.get().content == "Likes tea"
    assert not App.objects.filter(name="diary").exists()


def test_the_summary_says_what_is_not_kept(alice, tmp_path, capsys):
    alice.patch("/users/me", {"categories_not_kept": ["health"]})
    path = tmp_path / "notes.csv"
    path.write_text("text,tags\nTakes aspirin,health\n")

    call_command("import_from", "csv", str(path), "--user", "alice", "--dry-run")

    assert "1 are of categories that the user does not keep" in capsys.readouterr().out


def test_a_paused_app_stores_nothing(alice, export):
    App.objects.create(owner=alice.user, name="chatgpt", is_active=False)

    with pytest.raises(CommandError, match="paused"):
        call_command("import_from", "auto", str(export), "--user", "alice", "--dry-run")


def test_a_folder_is_imported_without_what_is_hidden_and_linked(alice, tmp_path):
    vault = tmp_path / "Vault"
    (vault / ".obsidian").mkdir(parents=True)
    (vault / ".obsidian" / "secret.md").write_text("hidden")
    (vault / "sub").mkdir()
    (vault / "sub" / "Tea.md").write_text("Likes tea")
    (vault / "link.md").symlink_to(vault / "sub" / "Tea.md")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "Other.md").write_text("outside")
    (vault / "linked").symlink_to(tmp_path / "outside")

    call_command("import_from", "markdown", str(vault), "--user", "alice", "--quiet")

    memory = Memory.objects.get()
    assert (memory.content, memory.metadata) == ("Likes tea", {"file": "sub/Tea.md"})
