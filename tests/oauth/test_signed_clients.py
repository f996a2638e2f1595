"""Clients with a document that sign what they send (`private_key_jwt`), as ChatGPT does."""

from __future__ import annotations

import base64
import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from oauth.client_assertion import MAX_LIFETIME, TYPE
from oauth.models import Connection, OAuthClient
from tests.oauth.program import ISSUER, REDIRECT, Program

RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
OTHER = RSAKey.generate_key(2048, {"kid": "rsa"})


def public(*keys):
    return {"keys": [key.as_dict(private=False) for key in keys]}


def sign(client_id, *, key=RSA, algorithm="RS256", header=None, **changes):
    now = int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "exp": now + 300,
        "iat": now,
        "jti": uuid.uuid4().hex,
        **changes,
    }
    sent = {name: value for name, value in claims.items() if value is not None}
    header = header or {"alg": algorithm, "kid": key.kid}
    registry = jws.JWSRegistry(algorithms=[algorithm])
    return jwt.encode(header, sent, key, algorithms=[algorithm], registry=registry)


class Signer(Program):
    """A program that sends an assertion with each request."""

    def send(self, path, values):
        signed = {"client_assertion_type": TYPE, "client_assertion": sign(self.client_id)}
        return super().send(path, {**signed, **values})


@pytest.fixture
def document(web):
    """Publish what ChatGPT does. Returns its address."""

    def publish(**changes):
        keys = web.put("/jwks.json", public(RSA, EC))
        return web.document(
            client_name="ChatGPT",
            redirect_uris=[REDIRECT],
            token_endpoint_auth_method="private_key_jwt",
            token_endpoint_auth_signing_alg="RS256",
            **{"jwks_uri": keys, **changes},
        )

    return publish


@pytest.fixture
def signer(document):
    return Signer(document())


def error_of(answer):
    assert answer.status_code in (400, 401), answer.content
    return answer.json()["error"]


def test_a_client_that_signs_goes_the_whole_way(signer, browser, agent_with):
    tokens = signer.connect(browser)
    renewed = signer.refresh(tokens["refresh_token"]).json()

    assert agent_with(renewed["access_token"]).send("tools/list").status_code == 200
    assert signer.revoke(renewed["access_token"]).status_code == 200
    assert agent_with(renewed["access_token"]).send("tools/list").status_code == 401


@pytest.mark.parametrize(("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
def test_these_algorithms_are_accepted(key, algorithm, signer, browser):
    assertion = sign(signer.client_id, key=key, algorithm=algorithm)

    answer = signer.exchange(signer.get_code(browser), client_assertion=assertion)

    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", [ISSUER]])
def test_the_audience_is_this_server_by_either_name(audience, signer, browser):
    assertion = sign(signer.client_id, aud=audience)

    answer = signer.exchange(signer.get_code(browser), client_assertion=assertion, client_id=None)

    assert answer.status_code == 200, answer.content


@pytest.mark.attacks
@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER}, {"key": EC, "header": {"alg": "ES256", "kid": "rsa"}, "algorithm": "ES256"},
        {"header": {"alg": "RS256", "kid": "unknown"}}, {"header": {"alg": "RS256"}},
        {"algorithm": "RS512"}, {"iss": "https://evil.example/x"}, {"iss": None},
        {"sub": "https://evil.example/x"}, {"sub": None}, {"sub": 7},
        {"aud": "https://evil.example"}, {"aud": [ISSUER, "https://evil.example"]}, {"aud": []},
        {"aud": None}, {"aud": f"{ISSUER}/mcp"}, {"exp": None}, {"exp": 1}, {"exp": "never"},
        {"exp": time.time() + 20 * MAX_LIFETIME}, {"exp": 1e300}, {"exp": True},
        {"nbf": 4e9}, {"iat": 4e9}, {"jti": None}, {"jti": ""},
        {"jti": 7}, {"jti": "x" * 300},
    ],
)  # fmt: skip
def test_an_assertion_is_checked(changes, signer, browser):
    code = signer.get_code(browser)

    refused = signer.exchange(code, client_assertion=sign(signer.client_id, **changes))

    assert error_of(refused) == "invalid_client"
    assert refused.json()["error_description"]
    assert not Connection.objects.exists()


@pytest.mark.attacks
@pytest.mark.parametrize("made", ["none", "HS256", "", "x", "a.b.c", "." * 20, "x" * 20_000])
def test_what_is_no_signature_is_refused(made, signer, browser):
    code, assertion = signer.get_code(browser), made
    if made == "none":
        header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa"}').decode().rstrip("=")
        assertion = f"{header}.{sign(signer.client_id).split('.')[1]}."
    elif made == "HS256":  # with the public key as a secret
        secret = OctKey.import_key(str(public(RSA)))
        header = {"alg": made, "kid": "rsa"}
        assertion = sign(signer.client_id, key=secret, algorithm=made, header=header)

    assert error_of(signer.exchange(code, client_assertion=assertion)) == "invalid_client"


@pytest.mark.attacks
def test_an_assertion_works_once(signer, browser):
    tokens = signer.connect(browser)
    assertion = sign(signer.client_id)

    used = signer.refresh(tokens["refresh_token"], client_assertion=assertion).json()
    again = signer.refresh(used["refresh_token"], client_assertion=assertion)

    assert error_of(again) == "invalid_client"
    assert signer.refresh(used["refresh_token"]).status_code == 200


@pytest.mark.attacks
def test_who_must_sign_cannot_send_nothing(signer, browser):
    code = signer.get_code(browser)
    plain = Program(signer.client_id, verifier=signer.verifier)

    assert error_of(plain.exchange(code)) == "invalid_client"
    assert error_of(signer.exchange(code, client_assertion_type="x")) == "invalid_client"
    assert error_of(signer.exchange(code, client_assertion=None)) == "invalid_client"
    assert error_of(signer.exchange(code, client_secret="x")) == "invalid_client"
    assert error_of(signer.exchange(code, client_id="other")) == "invalid_client"
    assert signer.exchange(code).status_code == 200


@pytest.mark.attacks
def test_a_clients_signature_opens_nothing_of_anothers(signer, browser, document, web):
    code = signer.get_code(browser)
    other = web.document("/other.json", token_endpoint_auth_method="private_key_jwt",
                         jwks=public(EC), redirect_uris=[REDIRECT])  # fmt: skip
    browser.get(Program(other).address())

    stolen = signer.exchange(
        code, client_id=other, client_assertion=sign(other, key=EC, algorithm="ES256")
    )

    assert error_of(stolen) == "invalid_grant"


def test_a_document_may_offer_both(document, browser):
    """As ChatGPT's does: what the program chooses is not told beforehand."""
    address = document(token_endpoint_auth_methods_supported=["none", "private_key_jwt"])

    assert Program(address).connect(browser)["scope"] == "read write"
    signer = Signer(address)
    code = signer.get_code(browser)
    forged = sign(address, key=OTHER)
    assert error_of(signer.exchange(code, client_assertion=forged)) == "invalid_client"
    assert signer.exchange(code).status_code == 200


def test_without_its_keys_it_may_still_send_nothing(document, browser):
    methods = ["none", "private_key_jwt"]
    address = document(token_endpoint_auth_methods_supported=methods, jwks_uri="https://10.0.0.1/")

    assert Program(address).connect(browser)["scope"] == "read write"
    assert OAuthClient.objects.get().keys is None


@pytest.mark.parametrize(
    "keys",
    [
        {}, [], None, {"keys": []}, {"keys": "x"}, {"keys": [7, {}]}, {"keys": [{"kty": "RSA"}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "RSA", "n": "x" * 171, "e": "AQAB"}]},
        {"keys": [RSA.as_dict(private=True)]},
        {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "\u00fc"}]},
    ],
)  # fmt: skip
def test_without_a_usable_key_it_is_refused(keys, document, web, browser):
    address = document(jwks_uri=web.put("/bad.json", keys))

    page = browser.get(Program(address).address())

    assert page.status_code == 422
    assert not OAuthClient.objects.exists()


@pytest.mark.attacks
@pytest.mark.parametrize(
    "uri", ["http://x.example/", "https://127.0.0.1/", "https://localhost:1/", "x", 7, "",
            "https://169.254.169.254/", f"https://x.example/{'a' * 3000}"],
)  # fmt: skip
def test_its_keys_are_on_the_public_web(uri, document, browser):
    assert browser.get(Program(document(jwks_uri=uri)).address()).status_code == 422


def test_a_new_key_is_fetched_and_an_old_one_void(signer, browser, web):
    tokens = signer.connect(browser)
    new = RSAKey.generate_key(2048, {"kid": "new"})
    web.put("/jwks.json", public(new))
    web.requests.clear()

    def refresh(key):
        return signer.refresh(
            tokens["refresh_token"], client_assertion=sign(signer.client_id, key=key)
        )

    early = [error_of(refresh(new)) for _ in range(3)]
    fetched_early = list(web.requests)
    OAuthClient.objects.update(keys_tried_at=timezone.now() - timedelta(minutes=2))
    late = refresh(new)
    tokens = late.json()

    assert early == ["invalid_client"] * 3
    assert fetched_early == []
    assert late.status_code == 200
    assert web.requests == ["/jwks.json"]
    assert error_of(refresh(RSA)) == "invalid_client"


def test_keys_that_cannot_be_fetched_again_stay(signer, browser, web):
    tokens = signer.connect(browser)
    web.put("/jwks.json", b"", status=500)
    OAuthClient.objects.update(keys_tried_at=timezone.now() - timedelta(hours=1))

    assert signer.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.attacks
def test_an_unknown_client_has_nothing_fetched(web, db):
    signer = Signer(f"https://{web.host}/client.json")

    assert error_of(signer.exchange("x")) == "invalid_client"
    assert web.requests == []


def test_who_registers_is_told_that_it_cannot_sign(db):
    program = Program("x")
    answer = program.http.post(
        "/oauth/register",
        {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "private_key_jwt"},
        "application/json",
    )

    assert answer.status_code == 400
    assert "client_secret_post" in answer.json()["error_description"]
