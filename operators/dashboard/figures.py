"""What there is to know, gathered once a minute at most and shared by all processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.utils import timezone

from accounts.models import User
from backups.files import find_latest_backups
from configuration import effective
from configuration.providers.client import Endpoint
from core.admin.paginator import bounded_count
from core.admin.statement_timeout import limit_statements
from core.errors import OpenMemoryError
from core.observability import search_stats
from jobs import registry
from jobs.models import Job
from jobs.models.job import State
from jobs.queues import QUEUES
from memories.models import EmbeddingSpace
from memories.vectors.coverage import estimate_coverage

from .table_sample import Counts, counts

KEPT_SECONDS = 60
KEY = "front_page"

SIZES = """
SELECT pg_database_size(current_database()),
    (SELECT sum(pg_indexes_size(oid))::bigint FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace)
"""


@dataclass(frozen=True)
class Model:
    """A language model or an embedder: `down` when it is left alone, as it fails again and again.

    `problem` says why it cannot be called at all, such as a key that is missing.
    """

    role: str
    name: str
    down: bool = False
    problem: str = ""

    @property
    def says(self) -> str:
        return self.problem or f"{self.name}{', not answering' if self.down else ''}"


@dataclass(frozen=True)
class Jobs:
    waiting: int
    running: int
    failed: int  # in the last 24 hours
    due_seconds: float  # for how long one has been due that nobody runs


@dataclass(frozen=True)
class Figures:
    at: datetime
    memories: Counts
    users: int
    searches: list[search_stats.SearchCounts] | None
    jobs: Jobs
    covered: float  # of the memories, from 0 to 1
    covered_exactly: bool
    space: str
    models: list[Model]
    database_bytes: int
    index_bytes: int
    backed_up: datetime | None
    kept_for: int = field(default=KEPT_SECONDS)


def figures() -> Figures:
    """The figures of the last minute. Raises TooSlow."""
    cache = caches["circuits"]  # the one that is not waited for
    try:
        known: Figures | None = cache.get(KEY)
        if known is None:
            known = gather()
            cache.set(KEY, known, KEPT_SECONDS)
    except redis.RedisError:
        return gather()
    return known


def gather() -> Figures:
    models = list(_models())  # asks the cache, which is nothing for a transaction
    searches = search_stats.last_day()
    with limit_statements():
        covered, space = estimate_coverage(), EmbeddingSpace.objects.current()
        with connection.cursor() as cursor:
            cursor.execute(SIZES)
            database_bytes, index_bytes = cursor.fetchone()
        return Figures(
            at=timezone.now(),
            memories=counts(),
            users=bounded_count(User.objects.all()),
            searches=searches,
            jobs=_jobs(),
            covered=covered.share(space.pk),
            covered_exactly=covered.exact,
            space=str(space),
            models=models,
            database_bytes=database_bytes,
            index_bytes=index_bytes,
            backed_up=_backed_up(),
        )


def _jobs() -> Jobs:
    now = timezone.now()
    ended = Job.objects.finished().filter(finished_at__gt=now - timedelta(days=1))
    due = [Job.objects.due(registry.names(queue)).first() for queue in QUEUES]
    waits = [(now - job.run_after).total_seconds() for job in due if job is not None]
    return Jobs(
        waiting=bounded_count(Job.objects.filter(state=State.QUEUED)),
        running=bounded_count(Job.objects.filter(state=State.RUNNING)),
        failed=bounded_count(ended.filter(state=State.FAILED)),
        due_seconds=max(waits, default=0.0),
    )


def _models() -> Iterator[Model]:
    current = effective.current_settings()
    for role, chosen in (("Language model", current.llm), ("Embedder", current.embedder)):
        name = "none" if chosen.model is None else f"{chosen.provider}: {chosen.model}"
        try:
            endpoint = Endpoint.from_settings(chosen)
        except OpenMemoryError as error:
            yield Model(role, name, problem=error.detail)
        else:
            yield Model(role, name, down=endpoint is not None and endpoint.is_circuit_open)


def _backed_up() -> datetime | None:
    folder = settings.BACKUP_FOLDER
    return max(find_latest_backups(folder).values(), default=None) if folder else None
