"""The page of a job that was a dry run of an import: it leads on to the import."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

import jobs.admin
from backups.jobs import AFTER_DRY_RUN, enqueue_import_after_dry_run
from core.admin.buttons import button, redirect_browser
from core.admin.links import change_url
from jobs.models import Job, State
from memories.admin.acting_operator import operator

admin.site.unregister(Job)


def is_importable(job: Job) -> bool:
    """Whether it is a dry run of an import that succeeded."""
    is_dry_run = job.kind in AFTER_DRY_RUN and bool(job.parameters.get("dry_run"))
    return is_dry_run and job.state == State.SUCCEEDED


@admin.register(Job)
class JobAdmin(jobs.admin.JobAdmin):
    actions_detail = (*jobs.admin.JobAdmin.actions_detail, "import_now")

    @button(
        "Import",
        icon="upload",
        description="Imports the file of this dry run, as it was tried.",
        available_for=is_importable,
    )
    def import_now(self, request: HttpRequest, job: Job, form: object) -> HttpResponse:
        following = enqueue_import_after_dry_run(job.pk, by=operator(request))
        self.log_change(request, job, "Imported the file of the dry run.")
        return redirect_browser(request, change_url(following))
