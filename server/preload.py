"""Load before the fork what all processes of a server need, so that they have it once."""

from __future__ import annotations

import ctypes
import gc
import importlib
import sys
from contextlib import suppress

WEB_MODULES = (
    "openmemory.wsgi",
    "openmemory.urls",
    "agents.views",
    "memories.readiness",
    "psycopg_pool",
    "server.edge.event_loop",
    "uvicorn.lifespan.off",
    "uvicorn.loops.auto",
)
JOB_MODULES = ("openmemory.celery", "server.worker", "celery.apps.worker")

M_ARENA_MAX = -8


def limit_arenas() -> None:
    """Have all threads share two heaps of glibc, not eight for each processor.

    Threads seldom wait for each other there, and what one frees another one uses.
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def load_modules(*, jobs: bool) -> None:
    import django
    from django.conf import settings

    from core.observability import multiprocess

    gc.disable()  # it would look at everything again and again
    multiprocess.share_metrics(settings.METRICS_FOLDER, "web")  # before anything that measures
    django.setup()
    for module in WEB_MODULES + (JOB_MODULES if jobs else ()):
        importlib.import_module(module)


def load_model() -> None:
    """Load the built-in model and the classifier of categories, which most processes need.

    On macOS a child must not use what its parent has loaded from some of the system's libraries.
    """
    if sys.platform == "darwin":
        return
    from configuration.providers import get_local_embedder
    from core.errors import OpenMemoryError
    from memories.categories.classifier import classify

    with suppress(OpenMemoryError):  # the readiness check reports it
        embedder = get_local_embedder()
        classify(embedder.embed_query("Is this understood?"), embedder)
