"""Figures that are looked up when somebody asks for the metrics, as no process measures them."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import connection
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from configuration import effective
from configuration.model_settings import ModelSettings
from configuration.providers.client import Endpoint
from core.errors import OpenMemoryError
from jobs import registry
from jobs.models import Job
from jobs.models.job import State
from jobs.queues import QUEUES

# What grows. Their rows are estimated, as PostgreSQL's planner does it: counting reads them all.
TABLES = [
    "memories_memory",
    "memories_embedding",
    "memories_access",
    "memories_statechange",
    "memories_revision",
    "jobs_job",
]

SIZES = """
SELECT relname, greatest(reltuples, 0), pg_total_relation_size(oid)
FROM pg_class WHERE oid = ANY(%s::regclass[])
"""


class Figures:
    """Each answer reads a handful of rows, however much is kept."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "openmemory_build", "Which version this is.", value={"version": settings.VERSION}
        )
        yield from _jobs()
        yield from _database()
        yield _circuits()


def _jobs() -> Iterator[Metric]:
    unfinished = GaugeMetricFamily(
        "openmemory_jobs", "Jobs that wait or run.", labels=["kind", "state"]
    )
    for state in (State.QUEUED, State.RUNNING):  # each by its own index
        counted = Job.objects.filter(state=state).values_list("kind").annotate(number=Count("pk"))
        for kind, number in counted.order_by("kind"):
            unfinished.add_metric([kind, state], number)
    yield unfinished
    oldest = GaugeMetricFamily(
        "openmemory_jobs_due_seconds", "For how long a job has been due, at most.", labels=["lane"]
    )
    for queue in QUEUES:
        due = Job.objects.due(registry.names(queue)).order_by().aggregate(since=Min("run_after"))
        since = due["since"]
        oldest.add_metric([queue], (timezone.now() - since).total_seconds() if since else 0)
    yield oldest


def _database() -> Iterator[Metric]:
    rows = GaugeMetricFamily(
        "openmemory_table_rows", "Rows of a table, as PostgreSQL estimates them.", labels=["table"]
    )
    size = GaugeMetricFamily(
        "openmemory_table_bytes", "What a table takes with its indexes.", labels=["table"]
    )
    with connection.cursor() as cursor:
        cursor.execute(SIZES, [TABLES])
        for name, estimate, taken in cursor.fetchall():
            rows.add_metric([name], estimate)
            size.add_metric([name], taken)
        cursor.execute("SELECT pg_database_size(current_database())")
        (whole,) = cursor.fetchone()
    yield rows
    yield size
    yield GaugeMetricFamily("openmemory_database_bytes", "What the database takes.", value=whole)


def _circuits() -> Metric:
    found = GaugeMetricFamily(
        "openmemory_provider_left_alone",
        "Whether a model that runs elsewhere has failed so often that it is not called for now.",
        labels=["provider", "model"],
    )
    current = effective.current_settings()
    for chosen in (current.llm, current.embedder):
        endpoint = _endpoint(chosen)
        if endpoint:
            found.add_metric([endpoint.provider, endpoint.model], endpoint.is_circuit_open)
    return found


def _endpoint(chosen: ModelSettings) -> Endpoint | None:
    """None, too, where its key cannot be read: nobody calls there then."""
    try:
        return Endpoint.from_settings(chosen)
    except OpenMemoryError:
        return None
