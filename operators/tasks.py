"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from . import housekeeping


@shared_task(name="operators.queue_due")
def queue_due_housekeeping() -> None:
    housekeeping.enqueue_due()
