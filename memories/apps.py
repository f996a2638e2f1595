from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        from configuration import update

        from .vectors import migration

        update.followers.append(migration.on_config_changed)
