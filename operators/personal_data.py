"""What is kept of a person beside their own rows: sessions, the admin's log, keys and archives."""

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
from backups.files import list_backups
from configuration import effective
from memories.models import EmbeddingSpace


def sessions_of(user: User) -> list[str]:
    """The sessions of a person in the admin, by their keys."""
    return [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]


def end_sessions(user: User) -> int:
    """Sign a person out: how many sessions they had."""
    return Session.objects.filter(pk__in=sessions_of(user)).delete()[0]


def end_streams(user: User) -> None:
    """End what agents have open. Where the broker is away, it is gone from there in a minute."""
    with suppress(redis.RedisError):
        sse.end_sessions(user.user_id)


def forget_log(model: type[Model], ids: Collection[uuid.UUID]) -> Counter[str]:
    """Remove what the admin has logged about these, which names them or says what they said."""
    kind = ContentType.objects.get_for_model(model)
    entries = LogEntry.objects.filter(content_type=kind, object_id__in=[str(pk) for pk in ids])
    return Counter({"LogEntry": entries.delete()[0]})


def forget_key_file(user: User) -> None:
    """Remove the file with the key of the user that `make run` made, if it is theirs."""
    file = Path(settings.STATE_DIR) / "api_key"
    if file.exists():
        secret = file.read_text().strip()
        if ApiKey.objects.filter(user=user, digest=digest(secret)).exists():
            file.unlink()


def backups_of(user: User) -> list[Path]:
    folder: Path | None = settings.BACKUP_FOLDER
    return list_backups(user, folder) if folder else []


def remove_backups(user: User) -> int:
    files = backups_of(user)
    for file in files:
        file.unlink(missing_ok=True)
    return len(files)


def out_of_reach(user: User) -> list[str]:
    """Say where else there may be something of a person, in sentences that do not name them."""
    remarks = [
        "Archives that were downloaded, or written elsewhere than into OPENMEMORY_BACKUP_FOLDER,"
        " are not known here.",
        "Backups of the database itself, its replicas and its archived log are yours to see to.",
        "Logs of requests name who asked, and nothing that was said: where you keep the output of"
        " the server, they are there until you remove them.",
    ]
    remarks += [
        f"{provider} was sent texts, and may have kept them." for provider in sorted(_providers())
    ]
    if user.user_id == settings.DEFAULT_USER:
        remarks.append("`make run` makes a user of this name again, unless USER names another one.")
    return remarks


def _providers() -> set[str]:
    configured = effective.current_settings()
    used = {space.provider for space in EmbeddingSpace.objects.all() if not space.is_local}
    return used | ({configured.llm.provider} if not configured.llm.is_local else set())
