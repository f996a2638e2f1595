from django.apps import AppConfig


class Mem0Config(AppConfig):
    name = "mem0"
    verbose_name = "Mem0"
