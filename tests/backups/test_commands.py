"""The commands that write archives."""

import io
import json
import os
import zipfile
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backups import files
from backups.export_queries import ExportFilters
from core.errors import OpenMemoryError
from core.progress import report_progress
from tests.backups.archives import entities, manifest
from tests.memories.stock import stock

# An export reads by a connection of its own, which sees only what is committed.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def run_command(*arguments: object, **options: object) -> str:
    out = io.StringIO()
    call_command(*map(str, arguments), stdout=out, **options)
    return out.getvalue()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_archive_is_written_to_a_file_that_only_its_owner_reads(alice, tmp_path):
    stock(alice.user, ["Tea", "Coffee"])
    file = tmp_path / "alice.zip"

    answer = run_command("export_backup", "alice", "-o", file)

    size = file.stat().st_size
    assert answer == f"{file}: 2 memories of alice, {size:,} bytes.\n"
    assert len(entities(zipfile.ZipFile(file))["memories"]) == 2
    assert file.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["alice.zip"]


def test_what_came_of_it_can_be_read_by_a_program(alice, tmp_path):
    stock(alice.user, ["Tea"])
    file = tmp_path / "alice.zip"

    answer = json.loads(run_command("export_backup", "alice", "-o", file, "--json", "--no-vectors"))

    assert answer.pop("counts")["memories"] == 1
    size = file.stat().st_size
    assert answer == {"ok": True, "file": str(file), "user_id": "alice", "size": size}
    assert manifest(zipfile.ZipFile(file))["vectors"] is None


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["export_backup", "nobody", "-o", "a.zip"], "user_not_found"),
        (["export_backup", "alice", "-o", "no/folder/a.zip"], "file_misplaced"),
        (["import_backup", "nothing.zip", "--user", "alice"], "file_failed"),
        (["import_backup", "a.zip", "--user", "an na", "--create-user"], "malformed"),
        (["verify_backup", "nothing.zip"], "file_failed"),
    ],
)
def test_what_failed_can_be_read_by_a_program(alice, tmp_path, monkeypatch, arguments, code):
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()

    with pytest.raises(CommandError) as failed:
        call_command(*arguments, "--json", stdout=out)

    assert failed.value.returncode == 1
    error = {"code": code, "detail": str(failed.value)}
    assert json.loads(out.getvalue()) == {"ok": False, "error": error}


def test_quiet_tells_nothing(alice, tmp_path):
    assert run_command("export_backup", "alice", "-o", tmp_path / "alice.zip", "--quiet") == ""


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(alice, tmp_path):
    file = tmp_path / "alice.zip"
    file.write_text("precious")

    with pytest.raises(CommandError, match="exists already"):
        run_command("export_backup", "alice", "-o", file)
    assert file.read_text() == "precious"

    run_command("export_backup", "alice", "-o", file, "--force")
    assert zipfile.is_zipfile(file)


@pytest.mark.parametrize(
    ("user", "file", "why"),
    [
        ("nobody", "a.zip", "no user 'nobody'"),
        ("alice", "no/folder/a.zip", "There is no folder .*/no/folder. Create it"),
        ("alice", "", "is a folder. Name a file in it."),
        ("alice", "../../../../../proc/a.zip", "The folder .* cannot be written to"),
    ],
)
def test_what_cannot_be_written_is_said(alice, tmp_path, user, file, why):
    with pytest.raises(CommandError, match=why) as rejected:
        run_command("export_backup", user, "-o", tmp_path / file)

    assert rejected.value.returncode == 1
    assert names(tmp_path) == []


def test_an_export_that_fails_leaves_no_file(alice, tmp_path, monkeypatch):
    statements = {**ExportFilters().statements(), "vectors": "SELECT 1/0"}
    monkeypatch.setattr(ExportFilters, "statements", lambda _: statements)
    stock(alice.user, ["Tea"])
    precious = tmp_path / "alice.zip"
    precious.write_text("precious")

    with pytest.raises(Exception, match="division by zero"):
        run_command("export_backup", "alice", "-o", precious, "--force")

    assert names(tmp_path) == ["alice.zip"]
    assert precious.read_text() == "precious"


def test_everybody_is_backed_up(alice, bob, tmp_path):
    stock(alice.user, ["Tea"])

    run_command("backup_all", tmp_path / "backups")

    archives = list((tmp_path / "backups").iterdir())
    owners = {entities(zipfile.ZipFile(file))["user"]["user_id"] for file in archives}
    assert (len(archives), owners) == (2, {"alice", "bob"})


def test_one_user_who_cannot_be_backed_up_does_not_stop_the_others(
    alice, bob, tmp_path, monkeypatch, capsys
):
    real = files.export

    def failing(user, *args, **options):
        if user == alice.user:
            raise OpenMemoryError("Her disk is on fire.")
        return real(user, *args, **options)

    monkeypatch.setattr(files, "export", failing)

    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of the users") as rejected:
        call_command("backup_all", str(tmp_path), "--json", stdout=out)

    assert rejected.value.returncode == 1
    results = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [(result["user_id"], result["ok"], result["error"]) for result in results] == [
        ("alice", False, "Her disk is on fire."),
        ("bob", True, None),
    ]
    assert names(tmp_path) == [results[1]["file"]]


def test_a_folder_that_cannot_be_is_told_once_and_not_of_each_user(alice, bob, tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()

    out = io.StringIO()
    with pytest.raises(CommandError, match=f"File exists: '{file}'"):
        call_command("backup_all", str(file), "--json", stdout=out)

    [result] = [json.loads(line) for line in out.getvalue().splitlines()]
    assert result["error"]["code"] == "file_failed"
    assert "Traceback" not in capsys.readouterr().err


def test_only_the_newest_are_kept_and_nothing_else_is_touched(alice, bob, tmp_path, monkeypatch):
    now = timezone.now()
    other_files = {tmp_path / "memories_export_alice.zip", tmp_path / "notes.txt"}
    for path in other_files:
        path.touch()
    for days in (3, 2, 1, 0):
        monkeypatch.setattr(timezone, "now", lambda days=days: now - timedelta(days=days))
        run_command("backup_all", tmp_path, "--keep", 2)

    backups = set(tmp_path.iterdir()) - other_files
    assert other_files < set(tmp_path.iterdir())
    for user in (alice.user, bob.user):
        of_user = sorted(path.name for path in backups if str(user.pk) in path.name)
        assert len(of_user) == 2
        assert of_user[-1].endswith(f"_{now:%Y%m%dT%H%M%SZ}.zip")
        assert files.find_latest_backups(tmp_path)[str(user.pk)] == now.replace(microsecond=0)


def test_what_a_killed_process_has_left_is_removed(alice, tmp_path):
    old, new = tmp_path / ".memories-old.part", tmp_path / ".memories-new.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))

    run_command("backup_all", tmp_path)

    assert not old.exists()
    assert new.exists()


def test_a_draft_that_is_renamed_meanwhile_is_left_alone(alice, tmp_path):
    # What is listed and is not there any more.
    (tmp_path / ".memories-done.part").symlink_to(tmp_path / "away")

    assert "failed" not in run_command("backup_all", tmp_path)


def test_whatever_a_user_is_called_the_name_of_the_file_is_plain(alice, tmp_path):
    alice.user.user_id = "..\\..:" + "é" * 249
    alice.user.save()

    path = files.back_up_user(alice.user, tmp_path)

    assert path.parent == tmp_path
    assert path.name.isascii()
    assert files.find_latest_backups(tmp_path) == {str(alice.user.pk): files._backup_time(path)}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_a_bar_and_a_pipe_gets_lines(monkeypatch):
    monkeypatch.setattr("core.progress.LINE_INTERVAL", 0.0)
    terminal, pipe = Terminal(), io.StringIO()

    for stream in (terminal, pipe):
        with report_progress("export alice", "rows", quiet=False, to=stream) as progress:
            progress(500, 2000)

    assert "\r" in terminal.getvalue()
    assert "export alice" in terminal.getvalue()
    assert pipe.getvalue() == "export alice: 500 of 2,000 rows\n"


def test_who_wants_quiet_is_told_nothing():
    terminal = Terminal()

    with report_progress("export alice", "rows", quiet=True, to=terminal) as progress:
        progress(1, 2)

    assert terminal.getvalue() == ""
