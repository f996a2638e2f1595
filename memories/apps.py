from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        from configuration.update import change_listeners

        from .vectors import migration

        change_listeners.append(migration.on_config_changed)
