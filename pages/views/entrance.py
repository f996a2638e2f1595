"""Signing in and out."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import person_access
from accounts.models import LinkInvalid, SignInLink, User
from core.api import rate_limits
from pages.page_view import SESSION_COOKIE, PageView, own_path, start_session

MAX_SECRET = 128


class SignInForm(forms.Form):
    user_id = forms.CharField(
        label=_("User id"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=person_access.MAX_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class SignInView(PageView):
    """The page to sign in, at `/` too. It answers alike whether or not there is such a user."""

    is_public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        if self.request.person is not None:
            return HttpResponseRedirect(own_path(request.GET.get("next", "")))
        return self._show(SignInForm(), request.GET.get("next", ""))

    @method_decorator(sensitive_post_parameters("password"))
    def post(self, request: HttpRequest) -> HttpResponse:
        # Before the password check, which takes much CPU time even for a wrong password.
        usage = rate_limits.count_sign_in(request, request.POST.get("user_id", ""))
        if usage:
            return self.render_too_often(usage.seconds_left)
        form = SignInForm(request.POST)
        user = person_access.find_person(request, **form.cleaned_data) if form.is_valid() else None
        if user is None:
            return self._show(form, request.POST.get("next", ""), is_wrong=True)
        response = HttpResponseRedirect(own_path(request.POST.get("next", "")))
        start_session(request, response, user)
        return response

    def _show(self, form: SignInForm, next_path: str, *, is_wrong: bool = False) -> HttpResponse:
        user_id = form["user_id"].value() or ""
        context: dict[str, Any] = {
            "form": SignInForm(initial={"user_id": user_id[:255].replace("\0", "")}),
            "next": own_path(next_path, default="pages:front") if next_path else "",
            "is_wrong": is_wrong,
        }
        return self.render("pages/sign_in.html", context)


class FrontView(SignInView):
    """`/`: the memories of who is signed in, and the page to sign in for everybody else."""


class LinkView(PageView):
    """A one-time link. Programs that check links in mails open it, so only its button signs in."""

    is_public = True

    def get(self, request: HttpRequest) -> HttpResponse:
        secret = _secret(request.GET.get("token", ""))
        return self._show(SignInLink.objects.find_user(secret), secret)

    def post(self, request: HttpRequest) -> HttpResponse:
        usage = rate_limits.count_sign_in(request, "")
        if usage:
            return self.render_too_often(usage.seconds_left)
        user = SignInLink.objects.redeem(_secret(request.POST.get("token", "")))
        has_password = user.has_usable_password()
        address = reverse("pages:memories" if has_password else "pages:settings")
        response = HttpResponseRedirect(address)
        start_session(request, response, user, by_link=True)
        return response

    def _show(self, user: User, secret: str) -> HttpResponse:
        return self.render("pages/sign_in_link.html", {"user": user, "token": secret})


class SignOutView(PageView):
    is_public = True

    def post(self, request: HttpRequest) -> HttpResponse:
        if session := self.request.session_of_person:
            session.delete()
        response = HttpResponseRedirect(reverse("pages:front"))
        response.delete_cookie(SESSION_COOKIE)
        return response


def _secret(value: str) -> str:
    """Raises LinkInvalid."""
    if not 0 < len(value) <= MAX_SECRET:
        raise LinkInvalid
    return value
