"""The URLs of all apps. They have no trailing slash, but are also accepted with one."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from core.api import converters as _converters  # noqa: F401 - registers `<id:…>` for these URLs
from core.api import documentation, health

# What is requested most comes first: the patterns are tried in turn.
api = [
    path("", include("memories.urls")),
    path("", include("accounts.urls")),
    path("", include("configuration.urls")),
    path("", include("apps_registry.urls")),
    path("", include("backups.urls")),
    path("", include("jobs.urls")),
    path("", include("stats.urls")),
]

urlpatterns = [
    path("api/v1/", include(api)),
    path("", include("pages.urls")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("agents.urls")),
    path("", include("oauth.urls")),
    path("", include("mem0.urls")),
    path("", include("operators.urls")),
    path("api/schema", documentation.SchemaView.as_view(), name="schema"),
    path(
        "docs",
        documentation.DocumentationView.as_view(template_name="core/swagger.html"),
        name="docs",
    ),
    path(
        "redoc",
        documentation.DocumentationView.as_view(template_name="core/redoc.html"),
        name="redoc",
    ),
    path("health/live", health.live),
    path("health/ready", health.ready),
]

handler400 = "core.api.exception_handler.on_400"
handler403 = "core.api.exception_handler.on_403"
handler404 = "core.api.exception_handler.on_404"
handler500 = "core.api.exception_handler.on_500"
