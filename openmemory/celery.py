"""Celery, which wakes the workers: what there is to do, and is done, the database knows.

Imported by those who send and receive messages only, as it takes a while. Why messages carry
nothing: docs/decisions/0012-jobs.md.
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
    # A worker takes no message but those that it is just seeing to: others may be free for it.
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    # A broker that is away is waited for, for as long as that takes.
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
)
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_the_server_does(**_: Any) -> None:
    logs.configure(settings.LOGGING)
