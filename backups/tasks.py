"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from .schedule import enqueue_due_backups


@shared_task(name="backups.queue_due")
def queue_due_backups() -> None:
    enqueue_due_backups()
