"""Metrics that are queried on each scrape, because no process measures them."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric

from configuration import effective
from configuration.model_settings import ModelSettings
from configuration.providers.client import Endpoint
from core import sql
from core.errors import OpenMemoryError
from jobs import registry
from jobs.models import Job
from jobs.models.job import State
from jobs.queues import QUEUES

# The tables that grow. Their rows are estimates of the planner, as counting would read them all.
TABLES = [
    "memories_memory",
    "memories_embedding",
    "memories_tokenvectors",
    "memories_access",
    "memories_statechange",
    "memories_revision",
    "jobs_job",
]

SIZES = """
SELECT relname, greatest(reltuples, 0), pg_total_relation_size(oid)
FROM pg_class WHERE oid = ANY(%s::regclass[])
"""


class DatabaseCollector:
    """Each scrape reads a handful of rows, however many memories there are."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(
            "openmemory_build", "The version of the server.", value={"version": settings.VERSION}
        )
        yield from _jobs()
        yield from _database()
        yield _circuits()


def _jobs() -> Iterator[Metric]:
    unfinished = GaugeMetricFamily(
        "openmemory_jobs", "Queued and running jobs.", labels=["kind", "state"]
    )
    for state in (State.QUEUED, State.RUNNING):  # each has its own index
        numbers = Job.objects.filter(state=state).values_list("kind").annotate(number=Count("pk"))
        for kind, number in numbers.order_by("kind"):
            unfinished.add_metric([kind, state], number)
    yield unfinished
    oldest = GaugeMetricFamily(
        "openmemory_jobs_due_seconds",
        "For how long the oldest due job has been waiting.",
        labels=["lane"],
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
        "openmemory_table_bytes", "Size of a table with its indexes.", labels=["table"]
    )
    for name, estimate, size_in_bytes in sql.fetch_all(SIZES, [TABLES]):
        rows.add_metric([name], estimate)
        size.add_metric([name], size_in_bytes)
    database_size = sql.fetch_value("SELECT pg_database_size(current_database())")
    yield rows
    yield size
    yield GaugeMetricFamily(
        "openmemory_database_bytes", "Size of the database.", value=database_size
    )


def _circuits() -> Metric:
    circuits = GaugeMetricFamily(
        "openmemory_provider_left_alone",
        "Whether the circuit breaker of a remote model is open: it is not called for a while.",
        labels=["provider", "model"],
    )
    current = effective.current_settings()
    for model_settings in (current.llm, current.embedder):
        endpoint = _endpoint(model_settings)
        if endpoint:
            circuits.add_metric([endpoint.provider, endpoint.model], endpoint.is_circuit_open)
    return circuits


def _endpoint(model_settings: ModelSettings) -> Endpoint | None:
    """None, too, where its key cannot be read: nobody calls there then."""
    try:
        return Endpoint.from_settings(model_settings)
    except OpenMemoryError:
        return None
