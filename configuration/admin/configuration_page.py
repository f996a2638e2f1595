from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from configuration import connection_test, update
from configuration.models import Configuration, ConfigurationChange
from configuration.providers import ProviderFailed
from core.admin.audit_log import CHANGE, log_action
from core.admin.pages import Page, register_page

from .forms import FORMS, SectionForm

# What can be asked whether it answers.
TRIED = {"llm": connection_test.try_llm, "embedder": connection_test.try_embedder}
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
                "tried": TRIED,
                "changes": ConfigurationChange.objects.reverse()[:CHANGES_SHOWN],
                **context,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Save, try, or reset: as the button says that was pressed."""
        act, _, section = request.POST.get("act", "").partition(" ")
        if act == "save" and section in FORMS:
            return self._save(FORMS[section](request.POST))
        if act == "try" and section in TRIED:
            return self._try(section)
        if act == "reset":
            return self._reset()
        raise BadRequest("This page has no such button.")

    def _save(self, form: SectionForm) -> HttpResponse:
        if form.save(by=self.operator):
            return self._done(f"{form.title}: saved. It counts from the next request on.")
        forms = [form if kind.section == form.section else kind() for kind in FORMS.values()]
        messages.error(self.request, f"{form.title}: nothing was changed. See what is wrong below.")
        return self.render_to_response(self.get_context_data(forms=forms), status=400)

    def _try(self, section: str) -> HttpResponse:
        try:
            messages.success(self.request, TRIED[section]())
        except ProviderFailed as error:
            messages.error(self.request, error.detail)
        return HttpResponseRedirect(self.request.path)

    def _reset(self) -> HttpResponse:
        update.reset(by=self.operator)
        return self._done("The configuration is what the environment says, else the default.")

    def _done(self, told: str) -> HttpResponse:
        messages.success(self.request, told)
        kept = Configuration(pk=Configuration.ONLY)
        log_action(self.operator, CHANGE, kept, name="configuration", message=told)
        return HttpResponseRedirect(self.request.path)
