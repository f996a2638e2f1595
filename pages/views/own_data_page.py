"""All of a person's data at once: take it along, bring it in, erase it."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from apps_registry.models import App
from backups.export_queries import ExportFilters
from backups.importing import Mode
from backups.jobs import (
    EXPORT,
    IMPORT,
    ExportFormat,
    enqueue_export,
    enqueue_import,
    enqueue_import_after_dry_run,
)
from backups.upload_handler import MAX_FORM_BYTES
from backups.upload_turn import upload_turn
from core.api import rate_limits
from core.errors import Gone, NotAllowed
from importers.jobs import IMPORT_FROM
from jobs import files
from jobs.models import Job
from operators.belongings import count_belongings
from operators.erase import ERASE, enqueue_erasure
from pages.page_view import SESSION_COOKIE, SUBJECT_COOKIE, PageView, find_session, find_subject
from pages.wording import describe_counts

DATA_JOBS = [EXPORT.name, IMPORT.name, IMPORT_FROM.name]
JOBS_SHOWN = 10
MAX_APPS = 200
RECEIPT_SALT = "pages.receipt"
# Seconds in which the page of a receipt can be opened.
RECEIPT_AGE = 7 * 24 * 3600


class ReceiptGone(Gone):
    """This address is no longer valid. Whoever runs the server can find the receipt."""

    code = "receipt_gone"


class OperatorRemains(NotAllowed):
    """Another operator has to erase an operator: otherwise nobody might be left."""

    code = "operator_remains"


class ImportForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("Archive"), widget=forms.FileInput(attrs={"accept": ".zip"})
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Memories that are here already"),
        choices=[
            (Mode.SKIP, gettext_lazy("stay as they are")),
            (Mode.OVERWRITE, gettext_lazy("become as in the archive")),
        ],
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            size = {"size": filesizeformat(settings.IMPORT_MAX_BYTES)}
            raise forms.ValidationError(
                _("An archive may have at most %(size)s.") % size, code="large"
            )
        return file


class EraseForm(forms.Form):
    """`password` is asked for where there is one: a browser that was left open erases nothing."""

    user_id = forms.CharField(label=gettext_lazy("Type the user id to confirm"), max_length=255)
    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, person: User, subject: User, *data: Any) -> None:
        super().__init__(*data)
        self.person, self.subject = person, subject
        self.fields["user_id"].widget.attrs["autocomplete"] = "off"
        if not person.has_usable_password():
            del self.fields["password"]

    def clean_user_id(self) -> str:
        user_id: str = self.cleaned_data["user_id"]
        if user_id != self.subject.named_id:
            raise forms.ValidationError(_("This is another user id."), code="other")
        return user_id

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.person.check_password(password):
            raise forms.ValidationError(_("This is not your password."), code="wrong")
        return password


class DataView(PageView):
    section = "data"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show()

    def show(self, form: ImportForm | None = None, *, status: int = 200) -> HttpResponse:
        jobs = Job.objects.owned_by(self.person).filter(
            kind__in=DATA_JOBS, parameters__user=str(self.subject.pk)
        )
        context = {
            "form": form or ImportForm(),
            "keep_days": settings.DELETED_KEEP_DAYS,
            "jobs": list(jobs.order_by("-created_at", "-id")[:JOBS_SHOWN]),
            "apps": list(
                App.objects.owned_by(self.subject).with_counts().order_by("name")[:MAX_APPS]
            ),
        }
        return self.render("pages/data/data.html", context, status=status)


class ExportView(PageView):
    section = "data"

    def post(self, request: HttpRequest) -> HttpResponse:
        filters = ExportFilters(vectors=request.POST.get("vectors") == "on")
        is_markdown = request.POST.get("format") == ExportFormat.MARKDOWN
        export_format = ExportFormat.MARKDOWN if is_markdown else ExportFormat.ARCHIVE
        job = enqueue_export(self.subject, filters, by=self.person, export_format=export_format)
        return to_job(job)


class ImportView(DataView):
    """What the person sends is first tried: nothing changes before they have seen what would."""

    max_body_bytes: ClassVar = MAX_FORM_BYTES

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # Before the form is read, as the check of its token does: strangers send no archives.
        session = find_session(request)
        with ExitStack() as turn:
            if session and request.method == "POST":
                turn.enter_context(upload_turn(find_subject(request, session.user).path))
            elif session is None:
                return HttpResponseRedirect(reverse("pages:sign_in"))
            return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ImportForm(request.POST, request.FILES)
        if not form.is_valid():
            return self.show(form, status=400)
        values = form.cleaned_data
        job = enqueue_import(
            values["file"], self.subject, Mode(values["mode"]), by=self.person, dry_run=True
        )
        return to_job(job)


class OneJobView(PageView):
    section = "data"

    def get_job(self) -> Job:
        """Raises JobNotFound."""
        jobs = Job.objects.owned_by(self.person).filter(kind__in=DATA_JOBS)
        return jobs.one(self.kwargs["job_id"])


class JobView(OneJobView):
    """What a job does. A part of the page asks again until the job has ended."""

    def get(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        job = self.get_job()
        is_dry_run = bool(job.parameters.get("dry_run"))
        result = (job.result or {}) if job.kind != EXPORT.name else {}
        context = {
            "job": job,
            "is_export": job.kind == EXPORT.name,
            "is_dry_run": is_dry_run,
            "counts": describe_counts(result),
            "sample": result.get("sample", []) if is_dry_run else [],
            "can_import": is_dry_run and job.state == "succeeded" and bool(job.upload),
        }
        is_part = self.request.htmx.target == "job"
        template = "pages/data/job_state.html" if is_part else "pages/data/job.html"
        return self.render(template, context)


class CancelJobView(OneJobView):
    def post(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        job = self.get_job()
        job.cancel()
        return to_job(job)


class DownloadView(OneJobView):
    def get(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponseBase:
        job = self.get_job()
        return FileResponse(
            files.open_download(job), as_attachment=True, filename=job.download_name
        )


class ImportAfterDryRunView(OneJobView):
    def post(self, request: HttpRequest, job_id: uuid.UUID) -> HttpResponse:
        return to_job(enqueue_import_after_dry_run(self.get_job().pk, by=self.person))


class EraseView(PageView):
    section = "data"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(EraseForm(self.person, self.subject))

    def post(self, request: HttpRequest) -> HttpResponse:
        # A stolen session must not be a way to guess the password.
        usage = rate_limits.count_sign_in(request, self.person.user_id)
        if usage:
            return self.render_too_often(usage.seconds_left)
        if self.subject.is_staff:
            raise OperatorRemains
        form = EraseForm(self.person, self.subject, request.POST)
        if not form.is_valid():
            return self._show(form, status=400)
        job = enqueue_erasure(self.subject, by=self.person)
        token = signing.dumps(str(job.pk), salt=RECEIPT_SALT)
        response = HttpResponseRedirect(
            f"{reverse('pages:erased')}?{urlencode({'receipt': token})}"
        )
        response.delete_cookie(SUBJECT_COOKIE)
        if self.subject == self.person:
            response.delete_cookie(SESSION_COOKIE)
        return response

    def _show(self, form: EraseForm, *, status: int = 200) -> HttpResponse:
        counts = describe_counts(count_belongings(self.subject))
        context = {"form": form, "counts": counts}
        return self.render("pages/data/erase.html", context, status=status)


class ErasedView(PageView):
    """The receipt of an erasure, for who has its address: the person's own session is gone."""

    is_public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        token = request.GET.get("receipt", "")
        try:
            job_id = signing.loads(token, salt=RECEIPT_SALT, max_age=RECEIPT_AGE)
        except signing.BadSignature as error:
            raise ReceiptGone from error
        job = Job.objects.filter(kind=ERASE.name, pk=job_id).first()
        if job is None:
            raise ReceiptGone
        result = job.result or {}
        context = {"job": job, "receipt": token, "act": result.get("act"),
                   "counts": describe_counts(result.get("counts", {})),
                   "remarks": result.get("remarks", [])}  # fmt: skip
        is_part = self.request.htmx.target == "job"
        template = "pages/data/receipt.html" if is_part else "pages/data/erased.html"
        return self.render(template, context)


def to_job(job: Job) -> HttpResponse:
    return HttpResponseRedirect(reverse("pages:job", args=[job.pk]))
