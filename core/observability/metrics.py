"""The metrics, by the names that Prometheus sees.

Labels have few values: URL patterns, job types and configured models; never a user, a text or an
id. `multiprocess` merges the metrics of several processes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from .metric_files import use_allocated_files

use_allocated_files()

# Seconds: from an index lookup to the longest that a client waits.
SHORT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

REQUESTS = Counter(
    "openmemory_requests",
    "Requests, by URL pattern.",
    ["method", "operation", "status"],
)
REQUEST_SECONDS = Histogram(
    "openmemory_request_duration_seconds",
    "Time from request to response, by URL pattern.",
    ["method", "operation"],
    buckets=SHORT_BUCKETS,
)
SEARCH_SECONDS = Histogram(
    "openmemory_search_stage_duration_seconds",
    "Duration of each stage of a search.",
    ["stage"],
    buckets=SHORT_BUCKETS,
)
EMBEDDING_SECONDS = Histogram(
    "openmemory_embedding_duration_seconds",
    "Duration of a call of a local embedding model.",
    ["model"],
    buckets=SHORT_BUCKETS,
)
EMBEDDED_TEXTS = Counter("openmemory_embedded_texts", "Texts embedded by a local model.", ["model"])
PROVIDER_CALLS = Counter(
    "openmemory_provider_calls",
    "Calls of providers' models, by outcome: `ok` or the error code.",
    ["provider", "model", "outcome"],
)
PROVIDER_SECONDS = Histogram(
    "openmemory_provider_call_duration_seconds",
    "Duration of a call of a provider's model.",
    ["provider", "model"],
    buckets=LONG_BUCKETS,
)
PROVIDER_TOKENS = Counter(
    "openmemory_provider_tokens",
    "Tokens sent (`input`) and received (`output`), as counted by the provider.",
    ["provider", "model", "direction"],
)
JOB_RUNS = Counter("openmemory_job_runs", "Job runs, by outcome.", ["kind", "outcome"])
JOB_SECONDS = Histogram(
    "openmemory_job_run_duration_seconds",
    "Duration of a job run.",
    ["kind"],
    buckets=LONG_BUCKETS,
)
POOL_CONNECTIONS = Gauge(
    "openmemory_database_pool_connections",
    "Database connections in the pools of the web processes: `used`, `idle` or `allowed`.",
    ["state"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "openmemory_database_pool_waiting",
    "Requests waiting for a database connection.",
    multiprocess_mode="livesum",
)


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[None]:
    """Observe the duration of the block, even if it raises."""
    started = time.perf_counter()
    try:
        yield
    finally:
        histogram.labels(*labels).observe(time.perf_counter() - started)


@contextmanager
def measure_embedding(model: str, texts: int) -> Iterator[None]:
    """Measure a call of a local embedding model."""
    with timed(EMBEDDING_SECONDS, model):
        yield
    EMBEDDED_TEXTS.labels(model).inc(texts)
