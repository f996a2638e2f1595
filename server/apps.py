from django.apps import AppConfig


class ServerConfig(AppConfig):
    """What runs the whole system on one machine: `manage.py run`."""

    name = "server"
