from django.apps import AppConfig


class ServerConfig(AppConfig):
    """Runs the whole system on one machine: `manage.py run`."""

    name = "server"
