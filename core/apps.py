from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The base of every app: shared code, templates, static files and formats. Imports no app."""

    name = "core"
