from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from core.errors import Malformed, NotAllowed, Unavailable
from core.transactions import change
from jobs.models import Job
from jobs.models import State as JobState
from jobs.wait import wait
from mem0.answer_schema import read_schema
from mem0.export_job import ExportNotFound, enqueue_export, find_exports, get_job
from mem0.filter_condition import ENTITIES, read_condition
from mem0.material import Material, choose_material, require_model
from mem0.models import Export, ExportKind
from mem0.project_settings import MAX_TEXT

from .mem0_view import DialectViewSet

# A client waits for an answer for 30 seconds.
SUMMARY_SECONDS = 25

REQUESTED = "Memory export request received. The export will be ready in a few seconds."
PENDING = "The export is not ready yet. Ask again."


class ExportFailed(Unavailable):
    """The language model could not make this."""

    code = "export_failed"


class OnlyWrites(NotAllowed):
    """This key may only write, and this shows what is remembered."""

    code = "key_only_writes"


class ExportsViewSet(DialectViewSet):
    """What a language model makes of memories."""

    slow_actions: ClassVar = {"summarize"}

    def create(self, request: AuthenticatedRequest) -> Response:
        require_model()
        schema = read_schema(self.body.get("schema"))
        instructions = self.body.get("export_instructions") or ""
        if not isinstance(instructions, str) or len(instructions) > MAX_TEXT:
            raise Malformed(
                f"`export_instructions` is a text of at most {MAX_TEXT:,} characters.",
                field="export_instructions",
            )
        material = self._choose()
        with change():
            export = enqueue_export(
                self.tenant,
                ExportKind.EXPORT,
                material,
                filters=self._filters(),
                schema=schema,
                instructions=instructions,
            )
        return Response({"message": REQUESTED, "id": str(export.pk)}, status=201)

    def show(self, request: AuthenticatedRequest) -> Response:
        self._require_reading()
        export = self._find()
        if export.answer is not None:
            known = self.tenant.memories().undeleted().filter(pk__in=export.memories)
            if known.count() < len(export.memories):
                raise ExportNotFound("Memories of this export were deleted. Ask for a new one.")
            return Response(export.answer)
        _require_success(get_job(export))
        return Response({"status": "PENDING", "message": PENDING, "id": str(export.pk)}, status=202)

    def summarize(self, request: AuthenticatedRequest) -> Response:
        """A summary of the same memories as before is not made again."""
        self._require_reading()
        require_model()
        material = self._choose()
        export = self._find_summary(material)
        if export is None:
            with change():
                export = enqueue_export(
                    self.tenant, ExportKind.SUMMARY, material, filters=self._filters()
                )
        pending = Response([{"status": "PENDING", "message": PENDING}], status=202)
        job = get_job(export)
        if export.answer is None and job is not None and not job.is_finished:
            self.publish(pending, seconds=SUMMARY_SECONDS)
            job = wait(job, SUMMARY_SECONDS)
            export.refresh_from_db()
        if export.answer is None:
            _require_success(job)
            return pending
        return Response([{"summary": export.answer}])

    def _choose(self) -> Material:
        condition = read_condition(self.body, self.tenant)
        return choose_material(self.tenant.memories().filter(condition.q))

    def _filters(self) -> dict[str, Any]:
        """What the body asks for, by which the export is found again."""
        beside = {name: self.body[name] for name in ENTITIES if self.body.get(name)}
        filters = self.body.get("filters") or {}
        if not isinstance(filters, Mapping):
            raise Malformed("`filters` is an object.", field="filters")
        return {**filters, **beside}

    def _find(self) -> Export:
        """Raises ExportNotFound."""
        exports = find_exports(self.tenant, ExportKind.EXPORT)
        given = self.body.get("memory_export_id")
        if given is None:
            if not self._filters():
                raise Malformed(
                    "Send `memory_export_id`, or the `filters` that the export was made with."
                )
            found = exports.filter(filters=self._filters()).first()
        else:
            try:
                found = exports.filter(pk=uuid.UUID(str(given))).first()
            except ValueError:
                found = None
        if found is None:
            raise ExportNotFound
        export: Export = found
        return export

    def _find_summary(self, material: Material) -> Export | None:
        """The one that was made, or is being made, of memories as they are."""
        same = find_exports(self.tenant, ExportKind.SUMMARY).filter(
            version=material.version, app_name=self.tenant.key.app_name
        )
        export: Export | None = same.first()
        if export is None or export.answer is not None:
            return export
        job = get_job(export)
        return export if job is not None and not job.is_finished else None

    def _require_reading(self) -> None:
        if not self.request.auth.can_read:
            raise OnlyWrites


def _require_success(job: Job | None) -> None:
    """Raises ExportFailed for what will never be ready."""
    if job is None or job.state in (JobState.FAILED, JobState.CANCELLED, JobState.SUCCEEDED):
        error = (job and job.error) or {}
        raise ExportFailed(error.get("detail") or f"{ExportFailed.__doc__} Ask for it again.")
