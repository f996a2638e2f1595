from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The ground that every app stands on: its templates, its static files, its formats."""

    name = "core"
