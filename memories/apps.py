from django.apps import AppConfig


class MemoriesConfig(AppConfig):
    name = "memories"
    verbose_name = "Memories"

    def ready(self) -> None:
        from configuration import changing

        from . import reembedding

        changing.followers.append(reembedding.follow)
