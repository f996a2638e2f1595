from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    """Replaces `admin.site` with our own site. Apps register with it as usual."""

    default_site = "core.admin.site.Site"
