"""The server of codes and tokens: Authlib's, with keys for access tokens.

Authlib checks what a client sends, and words what is wrong with it. Here is what is stored, and
what is stricter: S256 alone, a resource for each token, one use of each code and refresh token.
Requests to the token endpoint run in a transaction, which an error does not roll back.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Payload,
    OAuth2Request,
    grants,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from django.http import HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import User
from accounts.models.api_key import digest

from .client_assertion import AssertionAuthentication, choose_methods
from .issuer import MCP_PATH, audience_of, normalize_resource
from .models import AuthMethod, AuthorizationCode, Connection, OAuthClient
from .models.oauth_connection import ACCESS_LIFETIME, RefreshToken, Tokens
from .scopes import join, normalize

# RFC 8707 allows several. Here there is one, by any of its names.
REPEATABLE = "resource"


class InvalidTargetError(OAuth2Error):
    error = "invalid_target"
    description = "This server gives out no tokens for this resource."


@dataclass(frozen=True)
class Consent:
    """What a person allows a program."""

    app_name: str
    scopes: Collection[str]


class Parameters(OAuth2Payload):
    data: dict[str, Any] = {}  # in place of Authlib's properties
    datalist: dict[str, list[str]] = {}

    def __init__(self, values: QueryDict) -> None:
        self.data = values.dict()
        self.datalist = defaultdict(list, values.lists())


class ParameterRequest(OAuth2Request):
    def __init__(self, request: HttpRequest, values: QueryDict) -> None:
        # Authlib wants https also on loopback. `find_issuer` has decided about that.
        super().__init__(str(request.method), "https://localhost/", headers=dict(request.headers))
        self.payload = Parameters(values)

    @property
    def form(self) -> dict[str, str]:
        values: dict[str, str] = self.payload.data
        return values

    def require_single(self) -> None:
        """Raises InvalidRequestError if a parameter is there twice."""
        names = [name for name, values in self.payload.datalist.items() if len(values) > 1]
        if any(name != REPEATABLE for name in names):
            raise InvalidRequestError("A parameter is there more than once.")

    def find_resource(self, issuer: str) -> str | None:
        """Return the resource that is asked for, if one is. Raises InvalidTargetError."""
        asked = self.payload.datalist[REPEATABLE]
        resources = {normalize_resource(each, issuer=issuer) for each in asked}
        if None in resources or len(resources) > 1:
            raise InvalidTargetError
        return next(iter(resources), None)


class S256(CodeChallenge):
    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        values = grant.request.payload.data
        if not values.get("code_challenge") or values.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: code_challenge, with the method S256.")
        super().validate_code_challenge(grant, redirect_uri)


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = list(AuthMethod.values)

    consent: Consent
    resource: str

    @staticmethod
    def validate_authorization_redirect_uri(request: ParameterRequest, client: Any) -> str:
        uri = request.payload.redirect_uri
        # In words of our own: Authlib quotes it, which fails if it has characters beyond ASCII.
        if not (client.check_redirect_uri(uri) if uri else client.get_default_redirect_uri()):
            raise InvalidRequestError("The program has not registered this redirect_uri.")
        checked: str = uri or client.get_default_redirect_uri()
        return checked

    def validate_authorization_request(self) -> str:
        redirect_uri: str = super().validate_authorization_request()
        try:
            resource = self.request.find_resource(self.server.issuer)
            self.resource = resource or f"{self.server.issuer}{MCP_PATH}"
        except InvalidTargetError as error:
            error.redirect_uri = redirect_uri
            raise
        return redirect_uri

    def save_authorization_code(self, code: str, request: ParameterRequest) -> None:
        AuthorizationCode.objects.create(
            digest=digest(code),
            client=request.client,
            user=request.user,
            app_name=self.consent.app_name,
            scopes=sorted(self.consent.scopes),
            resource=self.resource,
            redirect_uri=request.payload.redirect_uri or "",
            code_challenge=request.payload.data["code_challenge"],
        )

    def query_authorization_code(self, code: str, client: OAuthClient) -> AuthorizationCode | None:
        # Locked: of two exchanges of one code, the second finds it used.
        codes = AuthorizationCode.objects.select_for_update(of=("self",))
        found = codes.filter(digest=digest(code), client=client).first()
        if found is None or found.used_at is None:
            return None if found is None or found.is_expired else found
        if found.connection is not None:
            found.connection.key.revoke()
        return None

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        code: AuthorizationCode = self.request.authorization_code
        asked = self.request.find_resource(self.server.issuer)
        if asked not in (None, code.resource):
            raise InvalidTargetError
        if not code.user.is_active:
            raise InvalidGrantError("The account of the person is deactivated.")
        connection, tokens = Connection.objects.open(
            user=code.user,
            client=self.request.client,
            app_name=code.app_name,
            scopes=code.scopes,
            resource=code.resource,
            audience=audience_of(code.resource),
        )
        code.used_at, code.connection = timezone.now(), connection
        code.save(update_fields=["used_at", "connection"])
        return 200, _describe(tokens), self.TOKEN_RESPONSE_HEADER


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = list(AuthMethod.values)

    def authenticate_refresh_token(self, refresh_token: str) -> Connection | None:
        """Find the connection of a token. An old token ends it: somebody else may have either."""
        token = RefreshToken.parse(refresh_token)
        connection = _find_connection(token, self.request.client) if token else None
        if token is None or connection is None or not connection.is_live:
            return None
        if connection.is_current(token):
            return connection
        connection.key.revoke()
        return None

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        connection: Connection = self.request.refresh_token
        asked = self.request.find_resource(self.server.issuer)
        if asked not in (None, connection.resource):
            raise InvalidTargetError
        user = connection.key.user
        if not (user.is_active and (user.owner is None or user.owner.is_active)):
            raise InvalidGrantError("The account of the person is deactivated.")
        token = RefreshToken.parse(self.request.form["refresh_token"])
        assert token is not None  # noqa: S101 - it has found the connection
        scope = self.request.payload.scope
        scopes = (normalize(scope) or "").split() if scope else connection.scopes
        if not set(scopes) or not set(scopes) <= set(connection.scopes):
            raise InvalidScopeError
        return 200, _describe(connection.renew(token, scopes=scopes)), self.TOKEN_RESPONSE_HEADER


class Revocation(RevocationEndpoint):
    """Ends the connection of a token, whichever of its tokens it is."""

    CLIENT_AUTH_METHODS = list(AuthMethod.values)

    def query_token(self, token: str, token_type_hint: str | None) -> Connection | None:
        connections = Connection.objects.select_related("key", "client")
        parsed = RefreshToken.parse(token)
        if parsed:
            return connections.filter(family_digest=digest(parsed.family)).first()
        return connections.filter(key__digest=digest(token)).first()

    def check_params(self, request: ParameterRequest, client: OAuthClient) -> None:
        # A hint that is not known has no effect, as RFC 7009 has it.
        if not request.form.get("token"):
            raise InvalidRequestError("The parameter token is missing.")

    def revoke_token(self, token: Connection, request: ParameterRequest) -> None:
        token.key.revoke()


class TokenServer(AuthorizationServer):
    def __init__(self, issuer: str) -> None:
        super().__init__()
        self.issuer = issuer
        self.register_grant(CodeGrant, [S256()])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)
        self.register_client_auth_method(AuthMethod.KEY, AssertionAuthentication(issuer))

    def query_client(self, client_id: str) -> OAuthClient | None:
        known = OAuthClient.objects.filter(client_id=client_id, blocked_at=None)
        return None if "\0" in client_id else known.first()

    def authenticate_client(
        self, request: ParameterRequest, methods: list[str], endpoint: str = "token"
    ) -> OAuthClient:
        methods = choose_methods(request.form, methods)
        return cast("OAuthClient", super().authenticate_client(request, methods, endpoint))

    def create_oauth2_request(self, request: HttpRequest | ParameterRequest) -> ParameterRequest:
        """The parameters of a page are in its query, those of a program in its body."""
        if isinstance(request, ParameterRequest):
            return request
        return ParameterRequest(request, request.POST)

    def check_authorization(self, request: HttpRequest, user: User) -> CodeGrant:
        """Return the grant that is asked for. Raises OAuth2Error."""
        asked = ParameterRequest(request, request.GET)
        asked.require_single()
        if "request" in asked.form or "request_uri" in asked.form:
            raise InvalidRequestError("Requests in JWTs are not supported.")
        grant: CodeGrant = self.get_consent_grant(asked, user)
        return grant

    def answer_authorization(self, grant: CodeGrant, consent: Consent | None) -> HttpResponse:
        """Send the browser back, with a code or with the refusal."""
        user = None
        if consent is not None:
            grant.consent, user = consent, grant.request.user
        response: HttpResponse = self.create_authorization_response(grant.request, user, grant)
        return response

    def validate_requested_scope(self, scope: str | None) -> None:
        if normalize(scope) is None:
            raise InvalidScopeError("The scopes are read and write.")

    def handle_response(
        self, status: int, body: Any, headers: Sequence[tuple[str, str]]
    ) -> HttpResponse:
        text = json.dumps(body) if isinstance(body, dict) else body
        response = HttpResponse(text, status=status)
        for name, value in headers:
            response.headers[name] = self._name_issuer(value) if name == "Location" else value
        return response

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def _name_issuer(self, location: str) -> str:
        """RFC 9207: which server answers, so that a client is not mixed up."""
        return f"{location}&{urlencode({'iss': self.issuer})}"


def _find_connection(token: RefreshToken, client: OAuthClient) -> Connection | None:
    # Locked: of two requests with one token, the second finds it used.
    connections = Connection.objects.select_for_update(of=("self",)).select_related(
        "key__user__owner"
    )
    return connections.filter(family_digest=digest(token.family), client=client).first()


def _describe(tokens: Tokens) -> dict[str, Any]:
    return {
        "access_token": tokens.access,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "refresh_token": tokens.refresh,
        "scope": join(tokens.scopes),
    }
