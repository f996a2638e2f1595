"""What programs call: the documents, registration, and the exchange and end of tokens."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from core.api.exception_handler import problem_of
from core.api.parsers import parse_json
from core.api.rate_limits import FAILED_KEYS, REGISTRATIONS, WRITES, Usage, count_request

from . import discovery
from .client_metadata import InvalidMetadata
from .issuer import find_issuer

FORM = "application/x-www-form-urlencoded"

INSECURE = (
    "This server was reached by plain HTTP from another machine, where tokens would be overheard: "
    "it gives out none. Put a proxy with HTTPS in front and set OPENMEMORY_PUBLIC_URL, or use keys."
)

# In the words of OAuth, by the status of a problem.
_ERRORS = {429: "temporarily_unavailable", 503: "temporarily_unavailable", 507: "server_error"}


def error_response(
    error: str, description: str, *, status: int = 400, headers: dict[str, str] | None = None
) -> HttpResponse:
    body = {"error": error, "error_description": description}
    return JsonResponse(body, status=status, headers=headers)


@method_decorator(csrf_exempt, name="dispatch")  # cookies do not authenticate these
class Endpoint(View):
    issuer: str
    max_body_bytes = 64 * 1024

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        issuer = find_issuer(request)
        if issuer is None:
            return error_response("invalid_request", INSECURE, status=404)
        self.issuer = issuer
        try:
            return super().dispatch(request, *args, **kwargs)
        except InvalidMetadata as error:
            return error_response(error.code, error.description)
        except Exception as error:
            problem = problem_of(error, request)
            if problem is None:
                raise
            code = _ERRORS.get(problem.status, "invalid_request")
            headers = dict(problem.headers)
            return error_response(code, problem.detail, status=problem.status, headers=headers)

    def find_limit(self, policy: str) -> HttpResponse | None:
        """Count this request, and return the refusal if there were too many from its address."""
        return self.refuse(count_request(self.request, policy))

    def refuse(self, usage: Usage | None) -> HttpResponse | None:
        if usage is None or not usage.exceeded:
            return None
        headers = {"Retry-After": str(usage.seconds_left)}
        detail = f"Too many requests. Try again in {usage.seconds_left} seconds."
        return error_response("temporarily_unavailable", detail, status=429, headers=headers)


class ProtectedResourceView(Endpoint):
    path = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(discovery.protected_resource(self.issuer, self.path))


class AuthorizationServerView(Endpoint):
    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(discovery.authorization_server(self.issuer))


class RegistrationView(Endpoint):
    def post(self, request: HttpRequest) -> HttpResponse:
        from .register_client import register_client

        if refusal := self.find_limit(REGISTRATIONS):
            return refusal
        values = parse_json(request.body)
        if not isinstance(values, dict):
            raise InvalidMetadata("Send a JSON object.")
        return JsonResponse(register_client(values), status=201)


class FormEndpoint(Endpoint):
    """An endpoint that takes a form. It is answered in one transaction, refusals too."""

    def post(self, request: HttpRequest) -> HttpResponse:
        from .client_assertion import prepare  # Authlib is needed by few requests
        from .token_server import TokenServer

        if refusal := self.find_limit(WRITES):
            return refusal
        if request.content_type != FORM:
            return error_response("invalid_request", f"Send the parameters as {FORM}.")
        if any(len(values) > 1 for name, values in request.POST.lists() if name != "resource"):
            return error_response("invalid_request", "A parameter is there more than once.")
        prepare(request.POST)
        try:
            with transaction.atomic():
                response = self.answer(TokenServer(self.issuer), request)
        except UnicodeDecodeError:  # Authlib's, of a header of Basic
            response = error_response("invalid_client", "The header is not UTF-8.", status=401)
        if response.status_code >= 400 and (refusal := self.find_limit(FAILED_KEYS)):
            return refusal
        return response

    def answer(self, server: Any, request: HttpRequest) -> HttpResponse:
        raise NotImplementedError


class TokenView(FormEndpoint):
    def answer(self, server: Any, request: HttpRequest) -> HttpResponse:
        if not request.POST.get("grant_type"):
            return error_response("invalid_request", "The parameter grant_type is missing.")
        response: HttpResponse = server.create_token_response(request)
        return response


class RevocationView(FormEndpoint):
    def answer(self, server: Any, request: HttpRequest) -> HttpResponse:
        response: HttpResponse = server.create_endpoint_response("revocation", request)
        return response
