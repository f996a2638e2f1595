from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery, UUIDField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from accounts.models import User
from core.admin.buttons import button
from core.admin.model_admin import ReadOnlyAdmin

from . import files, registry
from .models import Job, State
from .models.job import JobQuerySet
from .retry import RETRYABLE, retry

COLOURS = {
    State.QUEUED: "info",
    State.RUNNING: "info",
    State.SUCCEEDED: "success",
    State.FAILED: "danger",
    State.CANCELLED: "warning",
}


class JobTypeFilter(admin.SimpleListFilter):
    title = "job type"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(registry.names())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = (
        "kind",
        "subject",
        "owner",
        "state_label",
        "progress",
        "created_at",
        "finished_at",
    )
    list_select_related = ("owner",)
    list_filter = ("state", JobTypeFilter, ("owner", AutocompleteSelectFilter))
    ordering = ("-created_at", "-id")
    fields = (
        "kind", "subject", "owner", "app_name", "state_label", "progress", "attempts",
        "error_message", "formatted_result", "download_link", "parameters", "created_at",
        "run_after", "started_at", "finished_at",
    )  # fmt: skip
    readonly_fields = (
        "subject",
        "state_label",
        "progress",
        "error_message",
        "formatted_result",
        "download_link",
    )
    actions_detail: ClassVar[tuple[str, ...]] = ("retry", "cancel")
    audit_name_field = "kind"
    change_form_before_template = "jobs/admin/job_state.html"

    def get_queryset(self, request: HttpRequest) -> JobQuerySet:
        jobs: JobQuerySet = super().get_queryset(request)
        pk = Cast(KT("parameters__user"), UUIDField())
        users = User.objects.filter(pk=OuterRef("subject_pk")).values("user_id")
        return jobs.annotate(subject_pk=pk, subject_id=Subquery(users))

    def get_urls(self) -> list[Any]:
        download = path(
            "<uuid:job_id>/download/",
            self.admin_site.admin_view(self.download),
            name="jobs_job_download",
        )
        return [download, *super().get_urls()]

    @display(description="About")
    def subject(self, job: Job) -> str:
        """The user whom an export, an import or an erasure is about."""
        return job.subject_id or "-"  # type: ignore[attr-defined]  # annotated above

    @display(description="State", label=COLOURS)
    def state_label(self, job: Job) -> str:
        return job.state

    @display(description="Progress")
    def progress(self, job: Job) -> str:
        if job.total:
            return f"{job.done:,} of {job.total:,} ({min(100, 100 * job.done // job.total)} %)"
        return f"{job.done:,}" if job.done else "-"

    @display(description="Error")
    def error_message(self, job: Job) -> str:
        return f"{job.error['detail']} ({job.error['code']})" if job.error else "-"

    @display(description="Result")
    def formatted_result(self, job: Job) -> str:
        if job.result is None:
            return "-"
        # A dry run of an import shows a sample of memories: not all who see jobs may read these.
        facts = {name: value for name, value in job.result.items() if name != "sample"}
        text = json.dumps(facts, indent=2, ensure_ascii=False)
        pre = '<pre tabindex="0" class="overflow-auto whitespace-pre-wrap">{}</pre>'
        return format_html(pre, text)

    @display(description="File")
    def download_link(self, job: Job) -> str:
        if not job.download_name:
            return "-"
        if not job.download:
            return "The file has expired."
        url = reverse("admin:jobs_job_download", args=[job.pk])
        return format_html('<a class="text-primary-600" href="{}">{}</a>', url, job.download_name)

    def download(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        """Send the file that a job made. It may contain all memories of a user."""
        may_read = request.user.has_perm("memories.view_memory")
        if not may_read or not self.has_operate_permission(request):
            raise PermissionDenied
        job = Job.objects.filter(pk=job_id).first()
        if job is None or not job.download:
            raise Http404
        file = files.open_download(job)
        self.log_change(request, job, "Downloaded the file.")
        return FileResponse(file, as_attachment=True, filename=job.download_name)

    @button(
        "Retry",
        icon="replay",
        description="The job is enqueued again, with all its attempts.",
        available_for=lambda job: job.state in RETRYABLE,
    )
    def retry(self, request: HttpRequest, job: Job, form: object) -> str:
        retry(job)
        return "Enqueued the job again."

    @button(
        "Cancel",
        icon="cancel",
        description="A queued job is cancelled at once. A running job stops at its next step, "
        "unless it succeeds first.",
        available_for=lambda job: not job.is_finished,
    )
    def cancel(self, request: HttpRequest, job: Job, form: object) -> str:
        job.cancel()
        return "Cancelled the job." if job.is_finished else "Asked the job to stop."
