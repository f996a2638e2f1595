"""Check that memories can be embedded, for the readiness endpoint.

Remote models are not called: without them, memories are still stored and found by keywords.
"""

from django.db import connection

from configuration.providers import get_local_embedder

from .categories.classifier import classify
from .models import EmbeddingSpace


def check_embedder() -> None:
    """Embed and classify a text. Loads the model and the prototypes of the categories."""
    try:
        space = EmbeddingSpace.objects.current()
    finally:
        connection.close()  # the thread of a check must not keep a connection of the pool
    embedder = space.embedder if space.is_local else get_local_embedder()
    classify(embedder.embed_query("Is this understood?"), embedder)
