"""Whether memories can be embedded, for those who ask whether the server is ready."""

from django.db import connection

from .categorizing import categorize
from .models import EmbeddingSpace


def embedder() -> None:
    """Embed and categorise a text, for which the model and the themes are loaded if need be."""
    try:
        space = EmbeddingSpace.objects.current()
    finally:
        connection.close()  # the thread of a check keeps nothing of the pool
    categorize(space.embedder.embed_query("Is this understood?"), space.embedder)
