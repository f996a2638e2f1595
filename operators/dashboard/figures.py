"""The figures of the dashboard, computed at most once a minute and shared by all processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.core.cache import caches
from django.utils import timezone

from accounts.models import User
from backups.files import find_latest_backups
from configuration.model_status import ModelStatus, read_model_statuses
from core import sql
from core.admin.paginator import bounded_count
from core.admin.statement_timeout import limit_statements
from core.observability import search_stats
from jobs import registry
from jobs.models import Job
from jobs.models.job import State
from jobs.queues import QUEUES
from memories.models import EmbeddingSpace
from memories.vectors.coverage import estimate_coverage

from .table_sample import SampleCounts, count_memories

CACHE_SECONDS = 60
CACHE_KEY = "dashboard"

SIZES = """
SELECT pg_database_size(current_database()),
    (SELECT sum(pg_indexes_size(oid))::bigint FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)
"""


@dataclass(frozen=True)
class JobCounts:
    waiting: int
    running: int
    failed: int  # in the last 24 hours
    due_seconds: float  # for how long the oldest due job has been waiting


@dataclass(frozen=True)
class Figures:
    taken_at: datetime
    memories: SampleCounts
    users: int
    searches: list[search_stats.SearchCounts] | None
    jobs: JobCounts
    coverage: float  # share of memories with an embedding, from 0 to 1
    coverage_is_exact: bool
    space: str
    models: list[ModelStatus]
    database_bytes: int
    index_bytes: int
    latest_backup: datetime | None
    cached_seconds: int = field(default=CACHE_SECONDS)


def get_figures() -> Figures:
    """The figures of the last minute. Raises TooSlow."""
    cache = caches["circuits"]  # its connection has a short timeout
    try:
        figures: Figures | None = cache.get(CACHE_KEY)
        if figures is None:
            figures = compute_figures()
            cache.set(CACHE_KEY, figures, CACHE_SECONDS)
    except redis.RedisError:
        return compute_figures()
    return figures


def compute_figures() -> Figures:
    models = list(read_model_statuses())  # reads the cache, outside the transaction
    searches = search_stats.last_day()
    with limit_statements():
        coverage, space = estimate_coverage(), EmbeddingSpace.objects.current()
        [[database_bytes, index_bytes]] = sql.fetch_all(SIZES)
        return Figures(
            taken_at=timezone.now(),
            memories=count_memories(),
            users=bounded_count(User.objects.all()),
            searches=searches,
            jobs=_jobs(),
            coverage=coverage.share(space.pk),
            coverage_is_exact=coverage.exact,
            space=str(space),
            models=models,
            database_bytes=database_bytes,
            index_bytes=index_bytes,
            latest_backup=_latest_backup(),
        )


def _jobs() -> JobCounts:
    now = timezone.now()
    finished = Job.objects.finished().filter(finished_at__gt=now - timedelta(days=1))
    due_jobs = [Job.objects.due(registry.names(queue)).first() for queue in QUEUES]
    waits = [(now - job.run_after).total_seconds() for job in due_jobs if job is not None]
    return JobCounts(
        waiting=bounded_count(Job.objects.filter(state=State.QUEUED)),
        running=bounded_count(Job.objects.filter(state=State.RUNNING)),
        failed=bounded_count(finished.filter(state=State.FAILED)),
        due_seconds=max(waits, default=0.0),
    )


def _latest_backup() -> datetime | None:
    folder = settings.BACKUP_FOLDER
    return max(find_latest_backups(folder).values(), default=None) if folder else None
