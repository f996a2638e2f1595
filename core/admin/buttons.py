"""Buttons on the pages of the admin. Each opens a dialog whose form is posted to confirm."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from core.errors import Conflict, OpenMemoryError

from .links import change_url

# A method of a page: it acts on an object and returns a sentence about it, or its own response.
ButtonMethod = Callable[[Any, HttpRequest, Any, Any], "str | HttpResponse"]


class AppliesNoLonger(Conflict):
    """This object has changed since its page was opened. Review its current state."""

    code = "applies_no_longer"


class DialogForm(BaseDialogForm):
    """The form of a button's dialog. The ids of its fields do not clash with those of the page."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"auto_id": "dialog_%s", **options})


def button(
    label: str,
    *,
    icon: str,
    description: str,
    permission: str = "operate",
    form: type[DialogForm] = DialogForm,
    variant: ActionVariant = ActionVariant.DEFAULT,
    available_for: Callable[[Any], bool] = lambda obj: True,
) -> Callable[[ButtonMethod], Any]:
    """Turn `method(self, request, obj, form)` into a button, to be listed in `actions_detail`.

    The button is shown to operators with the permission. The default, `has_operate_permission`, is
    Django's permission to change such objects, even where no form changes them. It is shown for
    objects that it is `available_for`, and rejects others: the page may have been open for long.
    What the method returns is shown to the operator and written to the audit log, so it must not
    quote a memory. The detail of a domain error is shown as well.
    """

    def decorate(method: ButtonMethod) -> Any:
        @wraps(method)
        def run(self: Any, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
            obj = self.get_object(request, object_id)
            if obj is None:
                raise Http404
            if not getattr(self, f"has_{permission}_permission")(request, obj):
                raise PermissionDenied
            try:
                if not available_for(obj):
                    raise AppliesNoLonger
                outcome = method(self, request, obj, form)
            except OpenMemoryError as error:
                self.message_user(request, error.detail, messages.ERROR)
            else:
                if isinstance(outcome, HttpResponse):
                    return outcome
                self.message_user(request, outcome, messages.SUCCESS)
                self.log_change(request, obj, outcome)
            return redirect_browser(request, change_url(obj))

        run.available_for = available_for  # type: ignore[attr-defined]
        return action(
            permissions=[permission],
            description=label,
            icon=icon,
            variant=variant,
            dialog={
                "title": label,
                "description": description,
                "form_class": form,
                "form_submit_text": label,
            },
        )(run)

    return decorate


def render_in_dialog(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Show a template in the open dialog, in place of its form.

    The template extends `core/admin/dialog.html`.
    """
    response = render(request, template, context)
    response.headers["HX-Retarget"] = "#modal-content"
    response.headers["HX-Reselect"] = "#dialog"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def redirect_browser(request: HttpRequest, address: str) -> HttpResponse:
    """Redirect the browser, also from within a dialog."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
