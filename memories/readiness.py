"""Whether memories can be embedded, for those who ask whether the server is ready.

Models that run elsewhere are not asked: without them, too, memories are put down and found.
"""

from django.db import connection

from configuration.providers import get_local_embedder

from .categories.classifier import classify
from .models import EmbeddingSpace


def embedder() -> None:
    """Embed and categorise a text, for which the model and the themes are loaded if need be."""
    try:
        space = EmbeddingSpace.objects.current()
    finally:
        connection.close()  # the thread of a check keeps nothing of the pool
    local = space.embedder if space.is_local else get_local_embedder()
    classify(local.embed_query("Is this understood?"), local)
