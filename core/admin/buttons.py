"""Buttons of the admin that do something: each asks first, by a form that is posted."""

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

# A method of a page: it does something to an object and says so in a sentence, or answers itself.
Verb = Callable[[Any, HttpRequest, Any, Any], "str | HttpResponse"]


class AppliesNoLonger(Conflict):
    """This has changed since its page was opened: see what it is now."""

    code = "applies_no_longer"


class DialogForm(BaseDialogForm):
    """What a button asks for. Its fields have ids of their own beside those of the page."""

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
) -> Callable[[Verb], Any]:
    """Make a button of `verb(self, request, obj, form)`, to be named in `actions_detail`.

    It is there, and works, for those who have the permission: by default `has_operate_permission`,
    which is Django's permission to change such objects, also where no form changes them. It is
    shown for those objects that it applies to, and refuses others: a page may have been open long.
    What the verb returns is told to the operator and written into the audit, so it quotes no
    memory. A domain error is told in its own words.
    """

    def decorate(verb: Verb) -> Any:
        @wraps(verb)
        def press(self: Any, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
            obj = self.get_object(request, object_id)
            if obj is None:
                raise Http404
            if not getattr(self, f"has_{permission}_permission")(request, obj):
                raise PermissionDenied
            try:
                if not available_for(obj):
                    raise AppliesNoLonger
                told = verb(self, request, obj, form)
            except OpenMemoryError as error:
                self.message_user(request, error.detail, messages.ERROR)
            else:
                if isinstance(told, HttpResponse):
                    return told
                self.message_user(request, told, messages.SUCCESS)
                self.log_change(request, obj, told)
            return redirect_browser(request, change_url(obj))

        press.available_for = available_for  # type: ignore[attr-defined]
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
        )(press)

    return decorate


def render_in_dialog(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Show something in the dialog that was answered, in place of its form.

    The template extends `core/admin/dialog.html`.
    """
    response = render(request, template, context)
    response.headers["HX-Retarget"] = "#modal-content"
    response.headers["HX-Reselect"] = "#dialog"
    response.headers["HX-Reswap"] = "innerHTML"
    return response


def redirect_browser(request: HttpRequest, address: str) -> HttpResponse:
    """Send the browser there, from a dialog as well."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)
