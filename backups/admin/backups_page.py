from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User
from backups.files import find_latest_backups
from backups.jobs import EXPORT, IMPORT, enqueue_import_after_dry_run
from backups.schedule import BACKUP, enqueue_all_backups
from backups.upload_handler import MAX_FORM_BYTES
from core.admin.audit_log import ADDITION, log_action
from core.admin.pages import Page, register_page
from core.errors import OpenMemoryError
from core.quantities import with_noun
from jobs.models import Job

from .forms import FORMS, UserArchiveForm
from .job_rows import name_counts, parse_job_id

JOBS_SHOWN = 20


@register_page
class BackupsPage(Page):
    """Exports, imports and backups. They run as jobs, so no request waits for one."""

    name, title = "backups", "Backups"
    permissions = ("jobs.view_job",)
    # An export is read by whoever starts it, and an import writes memories.
    permissions_to_post = ("jobs.add_job", "memories.view_memory", "memories.change_memory")
    template_name = "backups/admin/backups.html"
    max_body_bytes = MAX_FORM_BYTES

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        jobs = Job.objects.filter(kind__in=[EXPORT.name, IMPORT.name, BACKUP.name])
        return super().get_context_data(
            **{
                "forms": [form() for form in FORMS.values()],
                "jobs": [_job_row(job) for job in jobs.order_by("-created_at", "-id")[:JOBS_SHOWN]],
                "backups": _backup_status(),
                **context,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what the pressed button says."""
        act, _, job = request.POST.get("act", "").partition(" ")
        try:
            if act in FORMS:
                return self._submit(FORMS[act](request.POST, request.FILES))
            if act == "import-after-dry-run":
                job_id = parse_job_id(job)
                return self._show_job(enqueue_import_after_dry_run(job_id, by=self.operator))
            if act == "back-up":
                return self._back_up_all_users()
        except OpenMemoryError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.path)
        raise BadRequest("This page has no such button.")

    def _submit(self, form: UserArchiveForm) -> HttpResponse:
        if form.is_valid():
            return self._show_job(form.enqueue(by=self.operator))
        forms = [form if other.act == form.act else other() for other in FORMS.values()]
        messages.error(self.request, f"{form.title}: not started. Correct the errors below.")
        return self.render_to_response(self.get_context_data(forms=forms), status=400)

    def _show_job(self, job: Job) -> HttpResponse:
        messages.success(self.request, "The job is queued. This page shows its progress.")
        log_action(self.operator, ADDITION, job, name=job.kind, message="Queued.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def _back_up_all_users(self) -> HttpResponse:
        count = enqueue_all_backups()
        are = "is" if count == 1 else "are"
        message = f"{with_noun(count, 'backup')} {are} queued, one for each user."
        messages.success(self.request, message)
        # There is no single job that the entry could link to.
        log_action(self.operator, ADDITION, Job(pk=""), name=BACKUP.name, message=message)
        return HttpResponseRedirect(self.request.path)


def _job_row(job: Job) -> dict[str, Any]:
    """A job on this page. After a dry run its archive can be imported, as long as it is kept."""
    is_import = job.kind == IMPORT.name
    is_dry_run = is_import and job.parameters.get("dry_run")
    can_import = is_dry_run and job.result and job.upload
    return {
        "job": job,
        "type": "import (dry run)" if is_dry_run else job.kind,
        "counts": name_counts(job.result or {}) if is_import else [],
        "act": f"import-after-dry-run {job.pk}" if can_import else None,
    }


def _backup_status() -> dict[str, Any] | None:
    """The state of scheduled backups, None where they are off."""
    folder = settings.BACKUP_FOLDER
    if folder is None:
        return None
    backups = find_latest_backups(folder)
    return {
        "folder": folder,
        "hours": settings.BACKUP_EVERY_HOURS,
        "keep": settings.BACKUP_KEEP,
        "users": User.objects.count(),
        "backed_up": len(backups),
        "oldest": min(backups.values(), default=None),
    }
