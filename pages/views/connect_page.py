"""Connect a program: make a key for it, show what to paste, and tell when it has called."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from accounts.api_keys import KeyNotFound
from accounts.models import ApiKey, Scope
from agents.clients import Access
from core.errors import NotFound
from pages.page_view import PageView
from pages.programs import PROGRAMS, Program, plug_in_command

MAX_NAME = 100


class ProgramNotFound(NotFound):
    """There is no such program here."""

    code = "program_not_found"


class ConnectView(PageView):
    section = "connect"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.render("pages/connect/programs.html", {"programs": PROGRAMS})


class ProgramView(PageView):
    """One program: before its key is made, and, in the answer that makes it, with the key."""

    section = "connect"

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        return self._show(slug, _get_program(slug))

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        program = _get_program(slug)
        reads_only = request.POST.get("access") == "read"
        key, secret = ApiKey.objects.issue(
            user=self.subject,
            name=program.title[:MAX_NAME],
            app_name=slug,
            scopes=[Scope.READ] if reads_only else [Scope.READ, Scope.WRITE],
            # Through Mem0's API it names the people whom the person's own program serves.
            is_pinned=slug != "mem0",
        )
        access = Access(f"{server_address(request)}/mcp", secret, self.subject.named_id)
        # A key that only reads could not store what a plug-in captures.
        plug_in = "" if reads_only else plug_in_command(slug, access)
        snippet = program.snippet(access)
        return self._show(slug, program, key=key, plug_in=plug_in, snippet=snippet)

    def _show(self, slug: str, program: Program, **more: Any) -> HttpResponse:
        keys = ApiKey.objects.filter(user=self.subject, app_name=slug).valid()
        context = {"slug": slug, "program": program, "key_count": keys.count(), **more}
        return self.render("pages/connect/program.html", context)


class CalledView(PageView):
    """Whether a new key was used: a part of the page, which asks again until it was."""

    section = "connect"

    def get(self, request: HttpRequest, key_id: uuid.UUID) -> HttpResponse:
        key = ApiKey.objects.filter(user=self.subject, pk=key_id).first()
        if key is None:
            raise KeyNotFound
        program = PROGRAMS.get(key.app_name)
        title = program.title if program else key.name or gettext_lazy("The program")
        is_part = self.request.htmx.target == "called"
        template = "pages/connect/called.html" if is_part else "pages/connect/test.html"
        return self.render(template, {"key": key, "title": title})


def server_address(request: HttpRequest) -> str:
    """Where programs reach the server: its public address, else the one that the browser uses."""
    if public := settings.PUBLIC_ADDRESS:
        return str(public.origin)
    return f"{request.scheme}://{request.get_host()}"


def _get_program(slug: str) -> Program:
    """Raises ProgramNotFound."""
    try:
        return PROGRAMS[slug]
    except KeyError:
        raise ProgramNotFound from None
