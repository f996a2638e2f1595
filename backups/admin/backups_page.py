from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from accounts.models import User
from backups import schedule
from backups.files import find_latest_backups
from backups.jobs import EXPORT, IMPORT, enqueue_import_after_dry_run
from backups.schedule import BACKUP
from backups.upload_handler import MAX_FORM_BYTES
from core.admin.audit_log import ADDITION, log_action
from core.admin.pages import Page, register_page
from core.errors import OpenMemoryError
from jobs.models import Job

from .forms import FORMS, UserArchiveForm

JOBS_SHOWN = 20


@register_page
class BackupsPage(Page):
    """Archives are made and read by jobs, so no request waits for one."""

    name, title = "backups", "Backups"
    permissions = ("jobs.view_job",)
    permissions_to_post = ("jobs.add_job",)
    template_name = "backups/admin/backups.html"
    max_body_bytes = MAX_FORM_BYTES

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        shown = Job.objects.filter(kind__in=[EXPORT.name, IMPORT.name, BACKUP.name])
        return super().get_context_data(
            **{
                "forms": [form() for form in FORMS.values()],
                "jobs": [
                    _job_row(job) for job in shown.order_by("-created_at", "-id")[:JOBS_SHOWN]
                ],
                "kept": _backup_status(),
                **context,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what the button says that was pressed."""
        act, _, job = request.POST.get("act", "").partition(" ")
        try:
            if act in FORMS:
                return self._queue(FORMS[act](request.POST, request.FILES))
            if act == "import-tried":
                return self._begun(
                    enqueue_import_after_dry_run(_parse_job_id(job), by=self.operator)
                )
            if act == "back-up":
                return self._back_up()
        except OpenMemoryError as error:
            messages.error(request, error.detail)
            return HttpResponseRedirect(request.path)
        raise BadRequest("This page has no such button.")

    def _queue(self, form: UserArchiveForm) -> HttpResponse:
        if form.is_valid():
            return self._begun(form.queue(by=self.operator))
        forms = [form if kind.act == form.act else kind() for kind in FORMS.values()]
        messages.error(self.request, f"{form.title}: not begun. See what is wrong below.")
        return self.render_to_response(self.get_context_data(forms=forms), status=400)

    def _begun(self, job: Job) -> HttpResponse:
        messages.success(self.request, "It is queued. Here you see how far it is.")
        log_action(self.operator, ADDITION, job, name=job.kind, message="It was queued.")
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))

    def _back_up(self) -> HttpResponse:
        queued = schedule.enqueue_all_backups()
        told = f"{queued:,} backups are queued, one for each user."
        messages.success(self.request, told)
        # They are of no single job that it could lead to.
        log_action(self.operator, ADDITION, Job(pk=""), name=BACKUP.name, message=told)
        return HttpResponseRedirect(self.request.path)


def _job_row(job: Job) -> dict[str, Any]:
    """A job of this page. An import that was tried can be begun as long as its file is kept."""
    tried = job.kind == IMPORT.name and job.parameters.get("dry_run")
    counts = (job.result or {}).items() if job.kind == IMPORT.name else ()
    return {
        "job": job,
        "kind": "import, tried" if tried else job.kind,
        "counts": [(name.replace("_", " "), n) for name, n in counts if isinstance(n, int) and n],
        "begin": f"import-tried {job.pk}" if tried and job.result and job.upload else None,
    }


def _backup_status() -> dict[str, Any] | None:
    """What there is of periodic backups, None where there is no folder for them."""
    folder = settings.BACKUP_FOLDER
    if folder is None:
        return None
    made = find_latest_backups(folder)
    return {
        "folder": folder,
        "hours": settings.BACKUP_EVERY_HOURS,
        "keep": settings.BACKUP_KEEP,
        "users": User.objects.count(),
        "backed_up": len(made),
        "oldest": min(made.values(), default=None),
    }


def _parse_job_id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise BadRequest("This is no job.") from None
