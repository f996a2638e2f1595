"""What is measured, under the names that Prometheus sees. It imports no app.

Labels are bounded: addresses of ours, kinds of jobs, models that an operator has chosen; never a
user, a text or an id. How the figures of several processes are added up: see `sharing`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

# Seconds. From what a look at an index takes to what a client waits for at most.
SHORT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG_BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

REQUESTS = Counter(
    "openmemory_requests",
    "Requests answered, by the pattern of their address.",
    ["method", "operation", "status"],
)
REQUEST_SECONDS = Histogram(
    "openmemory_request_duration_seconds",
    "Time from a request to its answer, by the pattern of its address.",
    ["method", "operation"],
    buckets=SHORT_BUCKETS,
)
SEARCH_SECONDS = Histogram(
    "openmemory_search_stage_duration_seconds",
    "Time that each stage of a search takes.",
    ["stage"],
    buckets=SHORT_BUCKETS,
)
EMBEDDING_SECONDS = Histogram(
    "openmemory_embedding_duration_seconds",
    "Time that a call of an embedding model takes which runs on this machine.",
    ["model"],
    buckets=SHORT_BUCKETS,
)
EMBEDDED_TEXTS = Counter(
    "openmemory_embedded_texts", "Texts embedded by a model on this machine.", ["model"]
)
PROVIDER_CALLS = Counter(
    "openmemory_provider_calls",
    "Calls of models that run elsewhere: `ok`, or the code of the error.",
    ["provider", "model", "outcome"],
)
PROVIDER_SECONDS = Histogram(
    "openmemory_provider_call_duration_seconds",
    "Time that a call of a model takes which runs elsewhere.",
    ["provider", "model"],
    buckets=LONG_BUCKETS,
)
PROVIDER_TOKENS = Counter(
    "openmemory_provider_tokens",
    "Tokens sent (`input`) and answered (`output`), as the providers count them.",
    ["provider", "model", "direction"],
)
JOB_RUNS = Counter("openmemory_job_runs", "Runs of jobs, by how they ended.", ["kind", "outcome"])
JOB_SECONDS = Histogram(
    "openmemory_job_run_duration_seconds",
    "Time that a run of a job takes.",
    ["kind"],
    buckets=LONG_BUCKETS,
)
POOL_CONNECTIONS = Gauge(
    "openmemory_database_pool_connections",
    "Connections to the database in the pools of the web processes: `used`, `idle` or `allowed`.",
    ["state"],
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "openmemory_database_pool_waiting",
    "Requests that wait for a connection to the database.",
    multiprocess_mode="livesum",
)


@contextmanager
def timed(histogram: Histogram, *labels: str) -> Iterator[None]:
    """Observe how long the block takes, however it ends."""
    started = time.perf_counter()
    try:
        yield
    finally:
        histogram.labels(*labels).observe(time.perf_counter() - started)


@contextmanager
def measure_embedding(model: str, texts: int) -> Iterator[None]:
    """Measure a call of a model that runs on this machine."""
    with timed(EMBEDDING_SECONDS, model):
        yield
    EMBEDDED_TEXTS.labels(model).inc(texts)
