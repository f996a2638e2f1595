"""The page on which a person lets a program in: where the way of OAuth passes a browser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from authlib.oauth2.base import OAuth2Error
from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps_registry.models import App
from core.api.security_headers import LEAVING_PAGE_POLICY
from core.errors import Malformed
from core.visible_text import validate_visible
from oauth import client_documents, redirect_uris
from oauth.endpoints import INSECURE
from oauth.issuer import audience_of, find_issuer
from oauth.json_document import DocumentUnusable
from oauth.models import OAuthClient
from oauth.token_server import CodeGrant, Consent, TokenServer
from pages.page_view import PageView

# Apps that are suggested, newest first.
MAX_APPS = 50


class ConnectionImpossible(Malformed):
    """This program cannot be connected."""

    code = "connection_impossible"


class ConsentForm(forms.Form):
    """What the person chooses: at most what is asked for."""

    access = forms.ChoiceField(
        label=gettext_lazy("What it may do"), widget=forms.RadioSelect, required=True
    )
    app = forms.CharField(
        label=gettext_lazy("The app that it acts as"),
        max_length=App._meta.get_field("name").max_length,
        validators=[validate_visible],
        widget=forms.TextInput(attrs={"list": "apps", "autocomplete": "off"}),
        help_text=gettext_lazy(
            "What it stores is filed under this name, and rules for this app apply to it."
        ),
    )

    def __init__(self, asked: Sequence[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        labels = {
            "read write": _("Read and change memories"),
            "read": _("Only read memories"),
            "write": _("Only store and change memories, without reading them"),
        }
        offered = [each for each in labels if set(each.split()) <= set(asked)]
        if "read" in offered and len(offered) > 1:
            offered.remove("write")
        self.fields["access"].choices = [(each, labels[each]) for each in offered]  # type: ignore[attr-defined]
        self.fields["access"].initial = offered[0]


class ConsentView(PageView):
    """`/oauth/authorize`: the request stands in the query, the decision in the form."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self._handle(lambda server, grant: self._show(grant, self._empty_form(grant)))

    def post(self, request: HttpRequest) -> HttpResponse:
        return self._handle(self._decide)

    def _handle(self, answer: Callable[[TokenServer, CodeGrant], HttpResponse]) -> HttpResponse:
        issuer = find_issuer(self.request)
        if issuer is None:
            raise ConnectionImpossible(INSECURE)
        server = TokenServer(issuer)
        client_id = self.request.GET.get("client_id", "")
        if client_documents.is_document_address(client_id):
            _load_client(client_id)
        try:
            grant = server.check_authorization(self.request, self.person)
        except OAuth2Error as error:
            if error.redirect_uri:
                response: HttpResponse = server.handle_error_response(None, error)
                return response
            raise ConnectionImpossible(self._explain(error)) from error
        return answer(server, grant)

    def _decide(self, server: TokenServer, grant: CodeGrant) -> HttpResponse:
        consent = None
        if self.request.POST.get("decision") == "allow":
            form = ConsentForm(grant.request.scope.split(), self.request.POST)
            if not form.is_valid():
                return self._show(grant, form)
            scopes = form.cleaned_data["access"].split()
            consent = Consent(form.cleaned_data["app"], scopes)
        return server.answer_authorization(grant, consent)

    def _show(self, grant: CodeGrant, form: ConsentForm) -> HttpResponse:
        client: OAuthClient = grant.request.client
        context = {
            "form": form,
            "client": client,
            "target": redirect_uris.target_of(grant.redirect_uri),
            "is_whole_server": not audience_of(grant.resource),
            "apps": App.objects.owned_by(self.person).order_by("-created_at")[:MAX_APPS],
            "own_address": self.request.get_full_path(),
        }
        response = self.render("pages/consent.html", context)
        response.headers["Content-Security-Policy"] = LEAVING_PAGE_POLICY
        return response

    def _empty_form(self, grant: CodeGrant) -> ConsentForm:
        client: OAuthClient = grant.request.client
        name = slugify(client.name) or slugify(client.document_host) or "connector"
        return ConsentForm(grant.request.scope.split(), initial={"app": name})

    def _ask_to_sign_in(self) -> HttpResponse:
        # The decision is lost with a session that has ended, but not what was asked.
        own = self.request.get_full_path()
        return HttpResponseRedirect(f"{reverse('pages:sign_in')}?{urlencode({'next': own})}")

    def _explain(self, error: OAuth2Error) -> str:
        if error.error == "invalid_client":
            return _(
                "This server does not know the program, or an operator has blocked it. Remove the "
                "connection in the program, and add it again."
            )
        return _("The program's request is not valid: %(reason)s") % {
            "reason": _(error.get_error_description() or error.error)
        }


def _load_client(client_id: str) -> None:
    """Raises DocumentUnusable, in the language of the page."""
    try:
        client_documents.load_client(client_id)
    except DocumentUnusable as error:
        values = {name: _(value) for name, value in error.values.items()}
        raise DocumentUnusable(_(error.template), **values) from error
