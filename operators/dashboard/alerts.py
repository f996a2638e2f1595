"""What an operator should look at, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.timesince import timesince

from .figures import Figures

# A job is begun within a second or two where a worker is free.
LONG_DUE = 300.0


@dataclass(frozen=True)
class Notice:
    text: str
    level: str  # `bad`: something fails; `warn`: something could
    target: str = ""  # as in the sidebar: the list of a model, or a page


def attention(known: Figures) -> list[Notice]:
    return [*_of_jobs(known), *_of_models(known), *_of_backups(known)]


def _of_jobs(known: Figures) -> Iterator[Notice]:
    if known.jobs.due_seconds > LONG_DUE:
        minutes = int(known.jobs.due_seconds // 60)
        yield Notice(
            f"A job has waited for {minutes} minutes. Do the workers run?", "bad", "jobs.job"
        )
    if known.jobs.failed:
        word = "job has" if known.jobs.failed == 1 else "jobs have"
        text = f"{known.jobs.failed} {word} failed in the last 24 hours."
        yield Notice(text[0].upper() + text[1:], "bad", "jobs.job")


def _of_models(known: Figures) -> Iterator[Notice]:
    for model in known.models:
        if model.problem:
            yield Notice(f"{model.role}: {model.problem}", "bad", "configuration")
        elif model.down:
            yield Notice(
                f"{model.name} does not answer: it is left alone for a while, then tried again.",
                "bad",
                "configuration",
            )
    if known.covered < 0.999:
        yield Notice(
            "Some memories have no vector yet: they are found by their words alone.",
            "warn",
            "memories.embeddingspace",
        )


def _of_backups(known: Figures) -> Iterator[Notice]:
    if settings.BACKUP_FOLDER is None:
        yield Notice(
            "Nobody is backed up from time to time: OPENMEMORY_BACKUP_FOLDER says where to.",
            "warn",
            "backups",
        )
    elif known.backed_up is None:
        yield Notice("There is no backup yet.", "warn", "backups")
    elif known.at - known.backed_up > timedelta(hours=2 * settings.BACKUP_EVERY_HOURS):
        age = timesince(known.backed_up, known.at)
        yield Notice(f"The newest backup is {age} old.", "bad", "backups")
