"""The people of the tests: alice owns, bob has memories of his own, olga operates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import ApiKey, User


@dataclass(frozen=True)
class Member:
    """A user with a key, who calls the API with it."""

    user: User
    key: ApiKey
    secret: str

    def _call(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.secret}")
        return getattr(client, method)(f"/api/v1{path}", body, format="json", headers=headers)

    def get(self, path: str, params: dict[str, Any] | None = None) -> Response:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {self.secret}")
        return client.get(f"/api/v1{path}", params or {})

    def post(self, path: str, body: Any = None, **headers: str) -> Response:
        return self._call("post", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Response:
        return self._call("put", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Response:
        return self._call("patch", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Response:
        return self._call("delete", path, body, **headers)

    def with_key(self, **kind: Any) -> Member:
        """The same person with another key, such as one bound to an app."""
        key, secret = ApiKey.objects.issue(user=self.user, **kind)
        return Member(self.user, key, secret)

    def remember(self, text: str, **fields: Any) -> dict[str, Any]:
        """Put down a memory over the API and return the answer."""
        answer = self.post("/memories", {"text": text, **fields})
        assert answer.status_code == 200, answer.content
        return answer.json()


def _member(user_id: str, **fields: Any) -> Member:
    user = User.objects.create_user(user_id, **fields)
    return Member(user, *ApiKey.objects.issue(user=user))


@pytest.fixture
def alice(db: None) -> Member:
    return _member("alice")


@pytest.fixture
def bob(db: None) -> Member:
    return _member("bob")


@pytest.fixture
def olga(db: None) -> Member:
    """An operator."""
    return _member("olga", is_staff=True, is_superuser=True)


@pytest.fixture
def anonymous() -> APIClient:
    return APIClient(raise_request_exception=False)


def errors_of(answer: Response) -> set[tuple[str, ...]]:
    """Where a refused request is wrong: the places that its problem document names."""
    return {tuple(str(part) for part in error["loc"]) for error in answer.json()["errors"]}
