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


class UserForm(forms.Form):
    """A form about a user, whom an operator names."""

    user_id = forms.CharField(
        label="User",
        max_length=255,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )

    def clean_user_id(self) -> User:
        user = User.objects.filter(user_id=self.cleaned_data["user_id"]).first()
        if user is None:
            raise forms.ValidationError("No user has this name.", code="user_not_found")
        return user


class UserArchiveForm(UserForm):
    """A form that enqueues an export or import of a user."""

    act: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, *data: Any) -> None:
        super().__init__(*data)
        self.auto_id = f"{self.act}_%s"

    def enqueue(self, *, by: User) -> Job:
        """Raises TooManyExports or TooManyImports."""
        raise NotImplementedError


def require_size(file: UploadedFile, what: str) -> UploadedFile:
    """Raises ValidationError if an upload, called `what`, is larger than imports may be."""
    if (file.size or 0) > settings.IMPORT_MAX_BYTES:
        limit = filesizeformat(settings.IMPORT_MAX_BYTES)
        raise forms.ValidationError(f"{what} may have at most {limit}.", code="too_large")
    return file


class ExportForm(UserArchiveForm):
    act, title = "export", "Export"

    include_vectors = forms.BooleanField(
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="An import then does not embed the memories again.",
    )

    def enqueue(self, *, by: User) -> Job:
        filters = ExportFilters(vectors=self.cleaned_data["include_vectors"])
        return enqueue_export(self.cleaned_data["user_id"], filters, by=by)


class ImportForm(UserArchiveForm):
    act, title = "import", "Import"

    file = forms.FileField(label="Archive", widget=UnfoldAdminFileFieldWidget)
    mode = forms.ChoiceField(
        label="Existing memories",
        choices=[
            (Mode.OVERWRITE, "are overwritten by the archive"),
            (Mode.SKIP, "stay unchanged"),
        ],
        widget=UnfoldAdminSelectWidget,
    )
    dry_run = forms.BooleanField(
        label="Dry run",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Change nothing, and show what the import would change.",
    )

    def clean_file(self) -> UploadedFile:
        return require_size(self.cleaned_data["file"], "An archive")

    def enqueue(self, *, by: User) -> Job:
        data = self.cleaned_data
        return enqueue_import(
            data["file"], data["user_id"], Mode(data["mode"]), by=by, dry_run=data["dry_run"]
        )


FORMS: dict[str, type[UserArchiveForm]] = {form.act: form for form in (ExportForm, ImportForm)}
