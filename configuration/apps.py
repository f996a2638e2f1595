from django.apps import AppConfig


class ConfigurationConfig(AppConfig):
    name = "configuration"
    verbose_name = "Configuration"

    def ready(self) -> None:
        from . import environment

        environment.ensure_valid()
