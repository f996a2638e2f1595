from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.generic import TemplateView


class Page(TemplateView):
    """A page of the admin that does not belong to a model. Register it with `register_page`.

    `name` is its path under `/admin/` and its target in the sidebar. Viewing it requires all of
    `permissions`, and posting to it also those of `permissions_to_post`.
    The template extends `core/admin/page.html`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    permissions: ClassVar[tuple[str, ...]]
    permissions_to_post: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def allows(cls, request: HttpRequest) -> bool:
        return request.user.has_perms(cls.permissions)

    @property
    def operator(self) -> Any:
        """The signed-in operator."""
        return self.request.user

    @property
    def may_post(self) -> bool:
        return self.allows(self.request) and self.request.user.has_perms(self.permissions_to_post)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not self.allows(request) or (request.method == "POST" and not self.may_post):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        site = admin.site.each_context(self.request)
        page = {"title": self.title, "may_post": self.may_post}
        return super().get_context_data(**{**site, **page, **context})


def register_page(page: type[Page]) -> type[Page]:
    """Add a page to the admin, as a decorator."""
    site: Any = admin.site  # ours, unknown to Django's types
    site.add_page(page)
    return page
