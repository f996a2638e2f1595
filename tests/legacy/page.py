"""The original's own web page, as far as the server sees it: a browser at localhost:3000."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

ORIGIN = "http://localhost:3000"


class Page:
    """Calls without a key, each after a preflight."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.client = APIClient(
            HTTP_HOST="localhost:8000", HTTP_ORIGIN=ORIGIN, HTTP_SEC_FETCH_SITE="same-site"
        )

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Give the answer to a call that works."""
        self._preflight(method, path)
        answer = getattr(self.client, method)(f"/api/v1{path}", body, format="json")
        assert answer.status_code == 200, answer.content
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        return answer.json()

    def download(self, path: str, body: Any) -> bytes:
        """Give the file that a call is answered with."""
        self._preflight("post", path)
        answer = self.client.post(
            f"/api/v1{path}", body, format="json", headers={"Accept": "application/zip"}
        )
        assert answer.status_code == 200
        return answer.getvalue()

    def upload(self, path: str, file: bytes, **form: str) -> Any:
        """Give the answer to a form with a file, before which browsers send no preflight."""
        sent = {"file": SimpleUploadedFile("memories_export.zip", file), **form}
        answer = self.client.post(f"/api/v1{path}", sent, format="multipart")
        assert answer.status_code == 200, answer.content
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        return answer.json()

    def status(self, method: str, path: str, body: Any = None) -> int:
        return getattr(self.client, method)(f"/api/v1{path}", body, format="json").status_code

    def _preflight(self, method: str, path: str) -> None:
        asked = {
            "Access-Control-Request-Method": method.upper(),
            "Access-Control-Request-Headers": "content-type",
        }
        answer = self.client.options(f"/api/v1{path}", headers=asked)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert method.upper() in answer.headers["Access-Control-Allow-Methods"].split(", ")
        assert "content-type" in answer.headers["Access-Control-Allow-Headers"].split(", ")


def shape_of(value: Any) -> Any:
    """What a value looks like: its members by their kind, a list by its first item."""
    if isinstance(value, dict):
        return {name: shape_of(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape_of(item) for item in value[:1]]
    return type(value)
