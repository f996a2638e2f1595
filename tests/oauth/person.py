"""Somebody in front of a browser, at a server that really runs."""

from __future__ import annotations

import re
from pathlib import Path

import requests

from tests.deadline import SECONDS


class Person:
    """`authority` signs the certificate of the origin, if it has one."""

    def __init__(self, origin: str, link: str, *, authority: Path | None = None) -> None:
        self.origin = origin
        self.browser = requests.Session()
        self.browser.verify = str(authority) if authority else True
        path = link[link.index("/sign-in/link") :]
        page = self.browser.get(f"{origin}{path}", timeout=SECONDS)
        answer = self._submit(f"{origin}/sign-in/link", page, token=path.partition("token=")[2])
        assert answer.status_code == 302, answer.text

    def allow(self, address: str, *, app: str, access: str = "read write") -> str:
        """Allow what a program has opened the browser for. Returns where the browser is sent."""
        page = self.browser.get(address, timeout=SECONDS)
        assert page.status_code == 200, page.text
        answer = self._submit(address, page, app=app, access=access, decision="allow")
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def _submit(self, address: str, page: requests.Response, **form: str) -> requests.Response:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert found, page.text
        return self.browser.post(
            address,
            {**form, "csrfmiddlewaretoken": found[1]},
            headers={"Origin": self.origin},
            allow_redirects=False,
            timeout=SECONDS,
        )
