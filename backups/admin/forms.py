from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import User
from backups.export_queries import ExportFilters
from backups.importing import Mode
from backups.jobs import enqueue_export, enqueue_import
from jobs.models import Job


class UserArchiveForm(forms.Form):
    """What a job about the archive of a user is queued by."""

    act: ClassVar[str]
    title: ClassVar[str]

    user_id = forms.CharField(
        label="User",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *sent: Any) -> None:
        super().__init__(*sent)
        self.auto_id = f"{self.act}_%s"

    def clean_user_id(self) -> User:
        user = User.objects.filter(user_id=self.cleaned_data["user_id"]).first()
        if user is None:
            raise forms.ValidationError("There is no user of this name.", code="user_not_found")
        return user

    def queue(self, *, by: User) -> Job:
        """Raises TooManyExports or TooManyImports."""
        raise NotImplementedError


class ExportForm(UserArchiveForm):
    act, title = "export", "Export"

    include_vectors = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="An import need then not embed the memories anew.",
    )

    def queue(self, *, by: User) -> Job:
        filters = ExportFilters(vectors=self.cleaned_data["include_vectors"])
        return enqueue_export(self.cleaned_data["user_id"], filters, by=by)


class ImportForm(UserArchiveForm):
    act, title = "import", "Import"

    file = forms.FileField(label="Archive", widget=UnfoldAdminFileFieldWidget)
    mode = forms.ChoiceField(
        label="What is there already",
        choices=[
            (Mode.OVERWRITE, "is overwritten by the archive"),
            (Mode.SKIP, "stays as it is"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    dry_run = forms.BooleanField(
        label="Only say what it would do",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Nothing is changed. The import itself can then be begun from here.",
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            most = filesizeformat(settings.IMPORT_MAX_BYTES)
            raise forms.ValidationError(f"An archive has {most} at most.", code="too_large")
        return file

    def queue(self, *, by: User) -> Job:
        given = self.cleaned_data
        return enqueue_import(
            given["file"], given["user_id"], Mode(given["mode"]), by=by, dry_run=given["dry_run"]
        )


FORMS: dict[str, type[UserArchiveForm]] = {form.act: form for form in (ExportForm, ImportForm)}
