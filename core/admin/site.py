from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, resolve
from django.utils.decorators import method_decorator
from django.utils.text import capfirst
from django.views.decorators.common import no_append_slash
from django.views.decorators.debug import sensitive_post_parameters
from unfold.sites import UnfoldAdminSite

from core.api import rate_limits

from . import navigation, statement_timeout
from .error_pages import error_page
from .pages import Page


class Site(UnfoldAdminSite):
    """The admin at `/admin/`, for users with `is_staff`."""

    index_title = "Dashboard"
    enable_nav_sidebar = True

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        self.pages: dict[str, type[Page]] = {}
        # It would delete row by row, bypassing the rules of each model's own deletion.
        self.disable_action("delete_selected")

    def add_page(self, page: type[Page]) -> type[Page]:
        """Register a page, as a decorator."""
        self.pages[page.name] = page
        return page

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(f"{page.name}/", self.admin_view(page.as_view()), name=page.name)
            for page in self.pages.values()
        ]
        return [*pages, *super().get_urls()]

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The lists of an app of Django, which only typed addresses lead to."""
        title = capfirst(apps.get_app_config(app_label).verbose_name)
        page: HttpResponse = super().app_index(
            request, app_label, {"title": title, **(extra_context or {})}
        )
        return page

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        return navigation.build_sidebar(self, request)

    @method_decorator(sensitive_post_parameters())
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Before the password check, which takes much CPU time even for a wrong password.
        usage = (
            rate_limits.count_sign_in(request, request.POST.get("username", ""))
            if request.method == "POST"
            else None
        )
        if usage:
            detail = f"Too many sign-in attempts. Try again in {usage.seconds_left} seconds."
            response = error_page(detail, status=429)
            response.headers["Retry-After"] = str(usage.seconds_left)
            return response
        page: HttpResponse = super().login(request, extra_context)
        return page

    def autocomplete_view(self, request: HttpRequest) -> HttpResponse:
        return statement_timeout.render_within_timeout(
            lambda: AdminSite.autocomplete_view(self, request)
        )

    @method_decorator(no_append_slash)
    def catch_all_view(self, request: HttpRequest, url: str) -> HttpResponse:
        """Redirect a URL without its trailing slash to its page."""
        if request.method not in ("GET", "HEAD") or url.endswith("/"):
            raise Http404
        match = resolve(f"{request.path_info}/")
        if not getattr(match.func, "should_append_slash", True):  # only this view matches
            raise Http404
        return HttpResponseRedirect(request.get_full_path(force_append_slash=True))
