from django.apps import AppConfig


class OpenMemoryConfig(AppConfig):
    """The project itself, as an app: its commands and its system checks."""

    name = "openmemory"
    verbose_name = "OpenMemory"
