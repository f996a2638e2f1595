"""Celery, which only wakes the workers: the database has the jobs and their states.

Only modules that send or receive messages import it, because that takes a while. Rationale of
messages without content: docs/decisions/0012-jobs.md.
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from core import logs

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")

app = Celery("openmemory")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_default_queue=settings.JOBS_QUEUES["quick"],
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    # A worker reserves no further messages: another worker may be free for them.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    # Wait for an unreachable broker without a time limit.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
)
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_the_server_does(**_: Any) -> None:
    logs.configure(settings.LOGGING)
