"""Exports and summaries: a job asks the language model for them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from configuration.errors import TRANSIENT_FAILURES
from core.errors import NotFound
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Memory

from .material import Material, ask_model
from .models import Export, ExportKind
from .tenant import Tenant

KEPT_FOR = timedelta(days=7)
# The newest of an account.
MAX_KEPT = 100

TASKS = {
    ExportKind.EXPORT: "Fill the JSON that is asked for with what is known.",
    ExportKind.SUMMARY: (
        "Write what is worth knowing as one text of at most 200 words, in whole sentences, in the "
        "language of most memories."
    ),
}
SUMMARY_SCHEMA = {"type": "string"}


class ExportNotFound(NotFound):
    """No memory export request found"""

    code = "export_not_found"


def enqueue_export(
    tenant: Tenant,
    kind: ExportKind,
    material: Material,
    *,
    filters: Mapping[str, Any],
    schema: Mapping[str, Any] | None = None,
    instructions: str = "",
) -> Export:
    """Enqueue an export, in the caller's transaction. Old ones of the account go."""
    own = Export.objects.filter(account=tenant.account)
    newest = own.order_by("-created_at").values("pk")[: MAX_KEPT - 1]
    own.filter(Q(created_at__lt=timezone.now() - KEPT_FOR) | ~Q(pk__in=newest)).delete()
    export = Export(
        account=tenant.account,
        kind=kind,
        app_name=tenant.key.app_name,
        filters=dict(filters),
        schema=schema,
        instructions=instructions,
        memories=material.memories,
        users=material.users,
        version=material.version,
    )
    job = run_export.enqueue(
        owner=tenant.account,
        parameters={"export": str(export.pk)},
        queueing_lock=str(export.pk),
        app_name=tenant.key.app_name,
    )
    export.job = job.pk
    export.save(force_insert=True)
    return export


def find_exports(tenant: Tenant, kind: ExportKind) -> Any:
    """The exports that a key may read, the newest first."""
    exports = Export.objects.filter(account=tenant.account, kind=kind)
    if tenant.key.app_name:
        exports = exports.filter(app_name=tenant.key.app_name)
    if tenant.is_pinned:
        exports = exports.filter(users__contained_by=[tenant.account.pk])
    since = timezone.now() - KEPT_FOR
    return exports.filter(created_at__gte=since).order_by("-created_at", "pk")


def get_job(export: Export) -> Job | None:
    """The job of an export; None if it is no longer kept."""
    return Job.objects.filter(pk=export.job).first() if export.job else None


@job_type(
    "mem0_export",
    queue="long",
    attempts=10,
    retries_on=TRANSIENT_FAILURES,
    backoff=2.0,
)
def run_export(run: JobRun) -> None:
    """Ask for an export. Raises ProviderError, KeyMissing, KeyLost and NeedsModel."""
    export = Export.objects.filter(pk=run.parameters["export"]).first()
    if export is None:
        return  # too old, or of a user who was erased
    of_account = Q(user=export.account) | Q(user__owner=export.account, user__is_active=True)
    memories = Memory.objects.filter(of_account, pk__in=export.memories).active().unexpired()
    kind = ExportKind(export.kind)
    answer = ask_model(
        memories,
        task=TASKS[kind],
        instructions=export.instructions,
        schema=export.schema or SUMMARY_SCHEMA,
        name=str(kind),
    )
    with run.finishing() as result:
        Export.objects.filter(pk=export.pk).update(answer=answer)
        result["memories"] = len(export.memories)
