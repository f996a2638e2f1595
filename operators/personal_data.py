"""Personal data outside of a user's own rows: sessions, the audit log, key files and archives."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import redis
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import Model

from accounts.models import ApiKey, User
from accounts.models.api_key import digest
from agents import sse
from backups.files import list_all_backups
from configuration import effective
from embedded.state_folder import list_dumps
from memories.models import EmbeddingSpace


def find_sessions(users: Collection[User]) -> list[str]:
    """The keys of users' admin sessions."""
    if not users:
        return []
    pks = {str(user.pk) for user in users}
    return [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) in pks
    ]


def end_sessions(users: Collection[User]) -> int:
    """Sign users out of the admin. Returns the number of sessions."""
    return Session.objects.filter(pk__in=find_sessions(users)).delete()[0]


def end_streams(users: Collection[User]) -> None:
    """End the open streams of agents. While the broker is down, they expire within a minute."""
    with suppress(redis.RedisError):
        sse.end_sessions({user.user_id for user in users})


def delete_log_entries(model: type[Model], ids: Collection[uuid.UUID]) -> Counter[str]:
    """Delete the audit log entries about these objects, which contain their names."""
    content_type = ContentType.objects.get_for_model(model)
    entries = LogEntry.objects.filter(
        content_type=content_type, object_id__in=[str(pk) for pk in ids]
    )
    return Counter({"LogEntry": entries.delete()[0]})


def remove_key_file(user: User) -> None:
    """Remove the key file that `make run` created, if the key belongs to this user."""
    file = Path(settings.STATE_DIR) / "api_key"
    if file.exists():
        secret = file.read_text().strip()
        if ApiKey.objects.filter(user=user, digest=digest(secret)).exists():
            file.unlink()


def find_backups(users: Collection[User]) -> list[Path]:
    folder: Path | None = settings.BACKUP_FOLDER
    if folder is None:
        return []
    by_user = list_all_backups(folder)
    return [path for user in users for path in by_user.get(str(user.pk), [])]


def remove_dumps() -> list[str]:
    """Remove the dumps of the database from before upgrades, which hold every user. Says so."""
    dumps = list_dumps(settings.STATE_DIR)
    for dump in dumps:
        dump.unlink(missing_ok=True)
    text = "The dumps of the database from before upgrades held this user, and were removed."
    return [text] if dumps else []


def remove_backups(users: Collection[User]) -> int:
    files = find_backups(users)
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def describe_unreachable_data(user: User) -> list[str]:
    """Describe where else data of a user may exist, without naming them."""
    remarks = [
        "Archives that were downloaded, or written outside of OPENMEMORY_BACKUP_FOLDER, cannot be"
        " found from here.",
        "Backups of the database itself, its replicas and its archived WAL have to be cleaned up"
        " separately.",
        "Request logs contain user ids, but no content. Wherever you store the server's output,"
        " they remain until you remove them.",
    ]
    remarks += [
        f"{provider} received texts and may have stored them." for provider in sorted(_providers())
    ]
    if user.user_id == settings.DEFAULT_USER:
        remarks.append(
            "`make run` creates a user of this name again, unless USER names another one."
        )
    return remarks


def _providers() -> set[str]:
    current = effective.current_settings()
    used = {space.provider for space in EmbeddingSpace.objects.all() if not space.is_local}
    return used | ({current.llm.provider} if not current.llm.is_local else set())
