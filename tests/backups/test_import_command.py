"""The command that imports an archive."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from memories.models import Memory
from tests.backups.archive_factory import ENTITIES, Original, Ours

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "anna.zip"
    path.write_bytes(Ours("anna").zipped())
    return path


def run_command(*arguments: object) -> str:
    out = io.StringIO()
    call_command("import_backup", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_an_archive_is_imported_into_a_user(alice, file):
    answer = run_command(file, "--user", "alice")

    assert answer == (
        f"{file}: of its memories, 4 were created, 0 updated and 0 left unchanged, for alice."
        " A job of the server adds the vectors that are missing.\n"
    )
    assert Memory.objects.owned_by(alice.user).count() == 4


def test_a_program_is_told_the_counts(alice, file, capsys):
    answer = json.loads(run_command(file, "--user", "alice", "--json", "--quiet", "--mode", "skip"))

    assert (answer["file"], answer["memories_created"]) == (str(file), 4)
    assert answer["job"].startswith("/api/v1/jobs/")
    assert capsys.readouterr().err == ""


def test_a_user_is_made_with_the_memories_or_not_at_all(file, tmp_path):
    with pytest.raises(CommandError, match="There is no user 'anna'"):
        run_command(file, "--user", "anna")
    broken = Original("anna")
    broken.entities["user"] |= {"name": "Anna", "email": "anna@example.org"}
    good = broken.zipped()
    broken.memories[0]["state"] = "lost"
    file.write_bytes(broken.zipped())
    with pytest.raises(CommandError):
        run_command(file, "--user", "anna", "--create-user")
    assert not User.objects.filter(user_id="anna").exists()

    file.write_bytes(good)
    assert "4 were created" in run_command(file, "--user", "anna", "--create-user")

    anna = User.objects.get(user_id="anna")
    assert (anna.name, anna.email, anna.is_staff) == ("Anna", "anna@example.org", False)
    assert not anna.has_usable_password()
    with pytest.raises(CommandError, match="cannot contain spaces"):
        run_command(file, "--user", "an na", "--create-user")
    with pytest.raises(CommandError, match="at most 255 characters"):
        run_command(file, "--user", "a" * 256, "--create-user")


def test_what_is_wrong_is_named_with_its_member_and_line(alice, file):
    broken = Original("alice")
    broken.memories[2]["state"] = "lost"
    file.write_bytes(broken.zipped())

    with pytest.raises(CommandError, match=rf"^{ENTITIES}, line \d+: Invalid enum value 'lost'"):
        run_command(file, "--user", "alice")
    with pytest.raises(CommandError, match="No such file"):
        run_command(file.parent / "nothing.zip", "--user", "alice")
