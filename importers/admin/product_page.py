from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import User
from backups.admin.forms import UserForm, require_size
from backups.admin.job_rows import name_counts, parse_job_id
from backups.jobs import enqueue_import_after_dry_run
from backups.upload_handler import MAX_FORM_BYTES
from core.admin.audit_log import ADDITION, log_action
from core.admin.pages import Page, register_page
from core.errors import OpenMemoryError
from importers.choices import LEFT_OUT, SOURCE_CHOICES
from importers.jobs import IMPORT_FROM, enqueue_import_from
from importers.sources import SOURCES
from jobs.models import Job

JOBS_SHOWN = 20


class ProductForm(UserForm):
    source = forms.ChoiceField(
        label="Product", choices=SOURCE_CHOICES, widget=UnfoldAdminSelectWidget
    )
    file = forms.FileField(label="File", widget=UnfoldAdminFileFieldWidget)
    take = forms.ChoiceField(
        label="Of conversations",
        choices=[
            ("all", "all messages"),
            ("without_answers", "what the person wrote"),
            ("memories", "nothing: only memories"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    dry_run = forms.BooleanField(
        label="Dry run",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Change nothing, and show what the import would create.",
    )

    def clean_file(self) -> UploadedFile:
        return require_size(self.cleaned_data["file"], "A file")

    def enqueue(self, *, by: User) -> Job:
        """Raises TooManyImports and StorageFull."""
        data = self.cleaned_data
        return enqueue_import_from(
            data["file"],
            data["file"].name,
            data["source"],
            data["user_id"],
            by=by,
            leave_out=LEFT_OUT[data["take"]],
            dry_run=data["dry_run"],
        )


@register_page
class ProductPage(Page):
    """Import from other products. It runs as a job, so no request waits for it."""

    name, title = "import-from", "Import"
    permissions = ("jobs.view_job",)
    # An import writes memories, and its dry run shows the first of them.
    permissions_to_post = ("jobs.add_job", "memories.view_memory", "memories.change_memory")
    template_name = "importers/admin/import_from.html"
    max_body_bytes = MAX_FORM_BYTES

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        jobs = Job.objects.filter(kind=IMPORT_FROM.name).select_related("owner")
        shows_texts = self.request.user.has_perms(self.permissions_to_post)
        return super().get_context_data(
            **{
                "form": ProductForm(),
                "sources": SOURCES.values(),
                "jobs": [
                    _job_row(job, shows_texts=shows_texts)
                    for job in jobs.order_by("-created_at", "-id")[:JOBS_SHOWN]
                ],
                **context,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what the pressed button says."""
        act, _, job = request.POST.get("act", "").partition(" ")
        try:
            if act == "import":
                return self._submit(ProductForm(request.POST, request.FILES))
            if act == "import-after-dry-run":
                return self._show_job(
                    enqueue_import_after_dry_run(parse_job_id(job), by=self.operator)
                )
        except OpenMemoryError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.path)
        raise BadRequest("This page has no such button.")

    def _submit(self, form: ProductForm) -> HttpResponse:
        if form.is_valid():
            return self._show_job(form.enqueue(by=self.operator))
        messages.error(self.request, "Not started. Correct the errors below.")
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def _show_job(self, job: Job) -> HttpResponse:
        message = "The job is queued. The page of imports shows what a dry run has found."
        messages.success(self.request, message)
        log_action(self.operator, ADDITION, job, name=job.kind, message="Queued.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))


def _job_row(job: Job, *, shows_texts: bool) -> dict[str, Any]:
    """A job on this page. After a dry run its file can be imported, as long as it is kept."""
    result = job.result or {}
    is_dry_run = bool(job.parameters["dry_run"])
    can_import = is_dry_run and job.state == "succeeded" and bool(job.upload)
    return {
        "job": job,
        "type": "dry run" if is_dry_run else "import",
        "counts": name_counts(result),
        "sample": result.get("sample", []) if shows_texts and is_dry_run else [],
        "act": f"import-after-dry-run {job.pk}" if can_import else None,
    }
