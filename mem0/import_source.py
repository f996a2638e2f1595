"""Read the memories that a Mem0 has: a file of its export, its API, or that of its own server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx2

from core.errors import Malformed

PAGE_SIZE = 200
TIMEOUT = 60.0

EVERYTHING = {"OR": [{name: "*"} for name in ("user_id", "agent_id", "app_id", "run_id")]}


class SourceUnreadable(Malformed):
    """What was named has no memories of Mem0."""

    code = "source_unreadable"


def read_source(source: str, *, key: str | None) -> Iterator[dict[str, Any]]:
    """The memories of a file or a URL. Raises SourceUnreadable."""
    if source.startswith(("http://", "https://")):
        yield from _read_server(source.rstrip("/"), key)
    else:
        yield from _read_file(Path(source))


def _read_file(path: Path) -> Iterator[dict[str, Any]]:
    """JSON, or a JSON object on each line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceUnreadable(f"{path} cannot be read: {error}") from error
    try:
        yield from _memories_of(json.loads(text))
        return
    except ValueError:
        pass
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield from _memories_of([json.loads(line)])
        except ValueError:
            raise SourceUnreadable(f"{path}, line {number}: this is not JSON.") from None


def _memories_of(data: Any) -> Iterable[dict[str, Any]]:
    if isinstance(data, dict):
        lists = [data[name] for name in ("results", "memories", "data") if name in data]
        data = lists[0] if lists else [data]
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise SourceUnreadable("This is no list of memories, nor an object with `results`.")
    return data


def _read_server(url: str, key: str | None) -> Iterator[dict[str, Any]]:
    headers = {"Authorization": f"Token {key}", "X-API-Key": key} if key else {}
    with httpx2.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False) as client:
        try:
            yield from _read_api(client, url)
        except httpx2.HTTPError as error:
            raise SourceUnreadable(f"{url} cannot be read: {error}") from error


def _read_api(client: httpx2.Client, url: str) -> Iterator[dict[str, Any]]:
    """The API of Mem0's platform, page by page; else what Mem0's own server has."""
    page = 1
    while True:
        response = client.post(
            f"{url}/v3/memories/",
            params={"page": page, "page_size": PAGE_SIZE},
            json={"filters": EVERYTHING, "show_expired": True},
        )
        if response.status_code in (404, 405) and page == 1:
            yield from _read_own_server(client, url)
            return
        data = _json_of(response)
        yield from _memories_of(data)
        if not data.get("next"):
            return
        page += 1


def _read_own_server(client: httpx2.Client, url: str) -> Iterable[dict[str, Any]]:
    return _memories_of(_json_of(client.get(f"{url}/memories")))


def _json_of(response: httpx2.Response) -> Any:
    if response.status_code != 200:
        raise SourceUnreadable(
            f"{response.url} answered {response.status_code}: {response.text[:300]}"
        )
    try:
        return response.json()
    except ValueError:
        raise SourceUnreadable(f"{response.url} answered no JSON.") from None
