from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def _view(name: str) -> Callable[..., HttpResponseBase]:
    """A view that is loaded when it is first asked for.

    The SDK takes a second to load, which no command and no start of the server waits for.
    """

    @cache
    def loaded() -> Callable[..., HttpResponseBase]:
        from . import views

        view: Callable[..., HttpResponseBase] = getattr(views, name).as_view()
        return view

    @csrf_exempt  # no cookie authenticates anything here
    def view(request: HttpRequest, **parts: Any) -> HttpResponseBase:
        return loaded()(request, **parts)

    return view


urlpatterns = [
    path("mcp", _view("MemoryView")),
    path("mcp/messages", _view("PostedView")),
    path("mcp/<str:client>/http/<str:user_id>", _view("OriginalView")),
    path("mcp/<str:client>/sse/<str:user_id>", _view("StreamView")),
    path("mcp/<str:client>/sse/<str:user_id>/messages", _view("PostedView")),
]
