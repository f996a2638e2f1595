from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from .plug_in_views import show_file, show_index


def _view(name: str) -> Callable[..., HttpResponseBase]:
    """Return a view that imports the real one on its first request.

    Importing the SDK takes a second, which would delay every command and the server's start.
    """

    @cache
    def load() -> Callable[..., HttpResponseBase]:
        from . import views

        view: Callable[..., HttpResponseBase] = getattr(views, name).as_view()
        return view

    @csrf_exempt  # cookies do not authenticate these views
    def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return load()(request, **kwargs)

    return view


urlpatterns = [
    path("plugins", show_index),
    path("plugins/<path:name>", show_file),
    path("mcp", _view("McpView")),
    path("mcp/messages", _view("MessagePostView")),
    # The name of an app may have slashes, which arrive decoded. A user id has none.
    path("mcp/<path:client>/http/<str:user_id>", _view("OpenMemoryMcpView")),
    path("mcp/<path:client>/sse/<str:user_id>", _view("SseView")),
    path("mcp/<path:client>/sse/<str:user_id>/messages", _view("MessagePostView")),
]
