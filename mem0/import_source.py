"""Read the memories that a Mem0 has: a file of its export, its API, or that of its own server."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from core.errors import Malformed

PAGE_SIZE = 200
TIMEOUT = 60.0

# How often a source that is busy is asked again, and after how many seconds at most.
ATTEMPTS, MAX_WAIT = 6, 60.0
BUSY = (429, 502, 503, 504)

# What Mem0's own server lists at most, of all or of one user, agent or run.
MAX_LISTED = 1_000

# The names that the text of a memory has.
TEXTS = ("memory", "text", "content", "data")

EVERYTHING = {"OR": [{name: "*"} for name in ("user_id", "agent_id", "app_id", "run_id")]}


class SourceUnreadable(Malformed):
    """What was named has no memories of Mem0."""

    code = "source_unreadable"


@dataclass
class Source:
    """A file or a URL. Once it is read, `cut` names those of whom it may have more memories."""

    name: str
    key: str | None = None
    cut: list[str] = field(default_factory=list)

    def read(self) -> Iterator[dict[str, Any]]:
        """The memories. Raises SourceUnreadable."""
        if not self.name.startswith(("http://", "https://")):
            yield from _read_file(Path(self.name))
            return
        headers = {"Authorization": f"Token {self.key}", "X-API-Key": self.key} if self.key else {}
        with httpx2.Client(timeout=TIMEOUT, headers=headers, follow_redirects=False) as client:
            try:
                yield from _read_server(client, self.name.rstrip("/"), self.cut)
            except httpx2.HTTPError as error:
                raise SourceUnreadable(f"{self.name} cannot be read: {error}") from error


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
        values = [data[name] for name in ("results", "memories", "data") if name in data]
        is_memory = any(isinstance(data.get(name), str) for name in TEXTS)
        data = [data] if is_memory else next(iter(values), None)
    if not isinstance(data, list) or not all(isinstance(each, dict) for each in data):
        raise SourceUnreadable("This is no list of memories, nor an object with `results`.")
    return data


def _read_server(client: httpx2.Client, url: str, cut: list[str]) -> Iterator[dict[str, Any]]:
    """The API of Mem0's platform, page by page; else what Mem0's own server has."""
    page = 1
    while True:
        response = _ask(
            client,
            "POST",
            f"{url}/v3/memories/",
            params={"page": page, "page_size": PAGE_SIZE},
            json={"filters": EVERYTHING, "show_expired": True},
        )
        if response.status_code in (404, 405) and page == 1:
            yield from _read_own_server(client, url, cut)
            return
        data = _json_of(response)
        memories = list(_memories_of(data))
        yield from memories
        if not memories or not isinstance(data, dict) or not data.get("next"):
            return
        page += 1


def _read_own_server(client: httpx2.Client, url: str, cut: list[str]) -> Iterable[dict[str, Any]]:
    """It has no pages. Where it does not show all at once, each user, agent and run is asked for.

    What is listed twice is imported once, by its id.
    """
    memories = list(_memories_of(_json_of(_ask(client, "GET", f"{url}/memories"))))
    yield from memories
    if len(memories) < MAX_LISTED:
        return
    entities = _json_of(_ask(client, "GET", f"{url}/entities"))
    try:
        names = [(entity["type"], str(entity["id"])) for entity in entities]
    except (TypeError, KeyError) as error:
        raise SourceUnreadable(f"{url}/entities answered no list of users.") from error
    for kind, name in names:
        query = {f"{kind}_id": name, "top_k": MAX_LISTED, "show_expired": "true"}
        own = list(_memories_of(_json_of(_ask(client, "GET", f"{url}/memories", params=query))))
        yield from own
        if len(own) >= MAX_LISTED:
            cut.append(f"{kind} {name}")


def _ask(client: httpx2.Client, method: str, url: str, **more: Any) -> httpx2.Response:
    """Ask again, after a while, as long as the source is busy."""
    for attempt in range(1, ATTEMPTS):
        response = client.request(method, url, **more)
        if response.status_code not in BUSY:
            return response
        seconds = response.headers.get("Retry-After", "")
        time.sleep(min(float(seconds) if seconds.isdecimal() else 2.0**attempt, MAX_WAIT))
    return client.request(method, url, **more)


def _json_of(response: httpx2.Response) -> Any:
    if response.status_code != 200:
        raise SourceUnreadable(
            f"{response.url} answered {response.status_code}: {response.text[:300]}"
        )
    try:
        return response.json()
    except ValueError:
        raise SourceUnreadable(f"{response.url} answered no JSON.") from None
