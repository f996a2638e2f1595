from django.contrib.admin import apps


class AdminConfig(apps.AdminConfig):
    """The admin, as a site of our own: apps register with `admin.site` as ever."""

    default_site = "core.admin.site.Site"
