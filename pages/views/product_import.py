"""Bring memories in from other products: first a trial, then the import."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from importers.choices import LEFT_OUT, SOURCE_CHOICES
from importers.jobs import enqueue_import_from

from .own_data_page import ImportView, to_job


class ProductForm(forms.Form):
    file = forms.FileField(label=gettext_lazy("File"))
    source = forms.ChoiceField(
        label=gettext_lazy("Product"),
        choices=[
            (SOURCE_CHOICES[0][0], gettext_lazy("find out from the file")),
            *SOURCE_CHOICES[1:],
        ],
    )
    take = forms.ChoiceField(
        label=gettext_lazy("Of conversations"),
        choices=[
            ("all", gettext_lazy("all messages")),
            ("without_answers", gettext_lazy("what I wrote")),
            ("memories", gettext_lazy("nothing: only memories")),
        ],
    )

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > settings.IMPORT_MAX_BYTES:
            size = {"size": filesizeformat(settings.IMPORT_MAX_BYTES)}
            raise forms.ValidationError(_("A file may have at most %(size)s.") % size, code="large")
        return file


class ProductView(ImportView):
    """A file of another product, in the turn of the person as an archive is."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._show(ProductForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ProductForm(request.POST, request.FILES)
        if not form.is_valid():
            return self._show(form, status=400)
        data = form.cleaned_data
        job = enqueue_import_from(
            data["file"],
            data["file"].name,
            data["source"],
            self.subject,
            by=self.person,
            leave_out=LEFT_OUT[data["take"]],
            dry_run=True,
        )
        return to_job(job)

    def _show(self, form: ProductForm, *, status: int = 200) -> HttpResponse:
        return self.render("pages/data/import_from.html", {"form": form}, status=status)
