"""What needs an operator's attention, with a link to its page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils.timesince import timesince

from core.quantities import with_noun

from .figures import Figures

# A free worker starts a job within a second or two.
LONG_DUE = 300.0


@dataclass(frozen=True)
class Alert:
    text: str
    level: str  # `bad`: something fails; `warn`: something could
    target: str = ""  # as in the sidebar: the list of a model, or a page


def get_alerts(figures: Figures) -> list[Alert]:
    return [*_job_alerts(figures), *_model_alerts(figures), *_backup_alerts(figures)]


def _job_alerts(figures: Figures) -> Iterator[Alert]:
    jobs = figures.jobs
    if jobs.due_seconds > LONG_DUE:
        minutes = int(jobs.due_seconds // 60)
        text = f"A job has been waiting for {minutes} minutes. Check that the workers are running."
        yield Alert(text, "bad", "jobs.job")
    if jobs.failed:
        text = f"{with_noun(jobs.failed, 'job')} failed in the last 24 hours."
        yield Alert(text[0].upper() + text[1:], "bad", "jobs.job")


def _model_alerts(figures: Figures) -> Iterator[Alert]:
    for model in figures.models:
        if model.problem:
            yield Alert(f"{model.role}: {model.problem}", "bad", "configuration")
        elif model.down:
            text = f"{model.name} is not responding. Calls are suspended and will be retried."
            yield Alert(text, "bad", "configuration")
    if figures.coverage < 0.999:
        text = "Some memories have no embedding yet. Only keyword search finds them."
        yield Alert(text, "warn", "memories.embeddingspace")


def _backup_alerts(figures: Figures) -> Iterator[Alert]:
    if settings.BACKUP_FOLDER is None:
        text = "Scheduled backups are off. Set OPENMEMORY_BACKUP_FOLDER to turn them on."
        yield Alert(text, "warn", "backups")
    elif figures.latest_backup is None:
        yield Alert("No backup exists yet.", "warn", "backups")
    elif figures.taken_at - figures.latest_backup > timedelta(
        hours=2 * settings.BACKUP_EVERY_HOURS
    ):
        age = timesince(figures.latest_backup, figures.taken_at)
        yield Alert(f"The latest backup is {age} old.", "bad", "backups")
