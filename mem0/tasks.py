"""Celery tasks."""

from __future__ import annotations

from celery import shared_task

from .webhook_outbox import tell_of_expired


@shared_task(name="mem0.tell_of_expired")
def tell_webhooks_of_expired() -> None:
    tell_of_expired()
