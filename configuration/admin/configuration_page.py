from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from configuration.connection_test import ping_embedder, ping_llm
from configuration.errors import ProviderError
from configuration.models import Configuration, ConfigurationChange
from configuration.update import reset_configuration
from core.admin.audit_log import CHANGE, log_action
from core.admin.pages import Page, register_page

from .forms import FORMS as SECTION_FORMS
from .forms import SectionForm
from .json_form import JsonForm

FORMS: dict[str, type[SectionForm] | type[JsonForm]] = {**SECTION_FORMS, JsonForm.section: JsonForm}

CONNECTION_TESTS = {"llm": ping_llm, "embedder": ping_embedder}
CHANGES_SHOWN = 20


@register_page
class ConfigurationPage(Page):
    name, title = "configuration", "Configuration"
    permissions = ("configuration.view_configuration",)
    permissions_to_post = ("configuration.change_configuration",)
    template_name = "configuration/admin/configuration.html"

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        return super().get_context_data(
            **{
                "forms": [form() for form in FORMS.values()],
                "connection_tests": CONNECTION_TESTS,
                "changes": ConfigurationChange.objects.reverse()[:CHANGES_SHOWN],
                **context,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save a section, test its connection, or reset all, depending on the button."""
        act, _, section = request.POST.get("act", "").partition(" ")
        if act == "save" and section in FORMS:
            return self._save(FORMS[section](request.POST))
        if act == "try" and section in CONNECTION_TESTS:
            return self._test_connection(section)
        if act == "reset":
            return self._reset()
        raise BadRequest("This page has no such button.")

    def _save(self, form: SectionForm | JsonForm) -> HttpResponse:
        if form.save(by=self.operator):
            title = "Configuration" if isinstance(form, JsonForm) else form.title
            return self._redirect(f"{title} saved. It takes effect with the next request.")
        forms = [
            form if form_class.section == form.section else form_class()
            for form_class in FORMS.values()
        ]
        messages.error(self.request, f"{form.title} not saved. Please correct the errors below.")
        return self.render_to_response(self.get_context_data(forms=forms), status=400)

    def _test_connection(self, section: str) -> HttpResponse:
        try:
            messages.success(self.request, CONNECTION_TESTS[section]())
        except ProviderError as error:
            messages.error(self.request, error.detail)
        return HttpResponseRedirect(self.request.path)

    def _reset(self) -> HttpResponse:
        reset_configuration(by=self.operator)
        return self._redirect("The configuration was reset to the defaults.")

    def _redirect(self, message: str) -> HttpResponse:
        """Show the message on the page, and record it in the audit log."""
        messages.success(self.request, message)
        configuration = Configuration(pk=Configuration.ONLY)
        log_action(self.operator, CHANGE, configuration, name="configuration", message=message)
        return HttpResponseRedirect(self.request.path)
