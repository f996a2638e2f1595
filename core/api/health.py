"""Liveness and readiness endpoints, for load balancers and orchestrators."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

import redis
import structlog
from django.conf import settings
from django.core.cache import cache as shared_cache
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import disk, sql
from core.api.shutdown import draining
from core.errors import OpenMemoryError, Unavailable

log = structlog.get_logger(__name__)

# Seconds that each check may take. Checks run concurrently.
TIMEOUT = 2.0


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    """Answer without touching any service: a server that does not respond needs a restart."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if every check of HEALTH_CHECKS passes, else 503 with the result of each.

    A server that is told to stop is not ready, but still answers requests for DRAIN_SECONDS.
    """
    if draining.is_set():
        return JsonResponse({"status": "stopping", "checks": {}}, status=503)
    running = {name: _start(name, path) for name, path in settings.HEALTH_CHECKS.items()}
    checks = {name: _outcome(name, future) for name, future in running.items()}
    passed = all(outcome == "ok" for outcome in checks.values())
    status = "ok" if passed else "unavailable"
    return JsonResponse({"status": status, "checks": checks}, status=200 if passed else 503)


def database() -> None:
    try:
        sql.execute("SELECT 1")
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("The database is not responding.") from error
    finally:
        connection.close()  # the check's thread must not keep a connection of the pool


def broker() -> None:
    try:
        shared_cache.get("health")
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise Unavailable("The broker is not responding.") from error


def free_space() -> None:
    """Check that the disk of the embedded services, uploads and archives is not full."""
    if disk.is_full():
        raise Unavailable("The disk of the state folder is full.")


@cache
def migrations() -> None:
    """Check that all migrations are applied. A check that passed is cached.

    During an upgrade, servers of the new release are not ready until the database is migrated.
    """
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("The database is not responding.") from error
    finally:
        connection.close()
    if missing:
        raise Unavailable("The database has unapplied migrations: run `manage.py migrate`.")


@cache
def _worker(name: str) -> ThreadPoolExecutor:
    # One thread per check: a check that hangs does not delay others, and is not started twice.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"health-{name}")


def _start(name: str, path: str) -> Future[None]:
    check: Callable[[], None] = import_string(path)
    return _worker(name).submit(check)


def _outcome(name: str, future: Future[None]) -> str:
    try:
        error = future.exception(timeout=TIMEOUT)
    except TimeoutError:
        future.cancel()
        return f"No answer within {TIMEOUT:g} seconds."
    if error is None:
        return "ok"
    if isinstance(error, OpenMemoryError):
        log.warning("a health check failed", check=name, reason=error.detail)
        return error.detail
    log.error("a health check failed", check=name, exc_info=error)
    return "The check itself failed."
