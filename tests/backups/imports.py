"""Send archives, and read all rows of all users."""

from __future__ import annotations

import io
from typing import Any

from django.db import connection
from rest_framework.response import Response
from rest_framework.test import APIClient

from tests.cast import Member

KEPT = (
    "accounts_user", "apps_registry_app", "apps_registry_accessrule", "memories_memory",
    "memories_category", "memories_categorization", "memories_statechange", "memories_revision",
    "memories_embedding",
)  # fmt: skip


def send(member: Member, archive: bytes, query: str = "", **form: Any) -> Response:
    """Import an archive over the API."""
    headers = form.pop("headers", {})
    file = io.BytesIO(archive)
    file.name = "archive.zip"
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {member.secret}")
    return client.post(
        f"/api/v1/backup/import{query}", {"file": file, **form}, format="multipart", headers=headers
    )


def imported(answer: Response) -> dict[str, Any]:
    """What was imported, as it was."""
    assert answer.status_code == 200, answer.content
    return answer.json()


def export(member: Member, **body: Any) -> bytes:
    answer = member.post("/backup/export", body)
    assert answer.status_code == 200, answer.content
    return answer.getvalue()


def all_rows() -> dict[str, list[str]]:
    """Every row of every user, as text."""
    rows = {}
    with connection.cursor() as cursor:
        for table in KEPT:
            cursor.execute(f"SELECT row_to_json(it)::text FROM {table} AS it ORDER BY 1")
            rows[table] = [row for (row,) in cursor.fetchall()]
    return rows


def rejection(member: Member, archive: bytes, status: int = 400) -> str:
    """The detail of the error response to an archive, after which nothing is changed."""
    before = all_rows()
    answer = send(member, archive)
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == ("bad_archive" if status == 400 else "archive_too_large")
    assert all_rows() == before
    return answer.json()["detail"]
