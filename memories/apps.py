from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from .change_log.past_views import drop_views, make_views

        pre_migrate.connect(drop_views, sender=self)
        post_migrate.connect(make_views, sender=self)

        from configuration.update import change_listeners

        from .vectors import migration

        change_listeners.append(migration.on_config_changed)
