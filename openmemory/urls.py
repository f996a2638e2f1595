"""Which address is answered by which app. Addresses have no last slash, and are taken with one."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from openmemory.api import documentation, health
from openmemory.api import paths as _paths  # noqa: F401 - makes `<id:…>` known to what follows

api = [
    path("", include("accounts.urls")),
    path("", include("configuration.urls")),
    path("", include("apps_registry.urls")),
    path("", include("backups.urls")),
    path("", include("jobs.urls")),
    path("", include("memories.urls")),
    path("", include("stats.urls")),
]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/v1/", include(api)),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("agents.urls")),
    path("", include("operators.urls")),
    path("api/schema", documentation.SchemaView.as_view(), name="schema"),
    path("docs", documentation.Page.as_view(template_name="openmemory/swagger.html"), name="docs"),
    path("redoc", documentation.Page.as_view(template_name="openmemory/redoc.html"), name="redoc"),
    path("health/live", health.live),
    path("health/ready", health.ready),
]

handler400 = "openmemory.api.errors.on_400"
handler403 = "openmemory.api.errors.on_403"
handler404 = "openmemory.api.errors.on_404"
handler500 = "openmemory.api.errors.on_500"
