"""Find what else there is about the themes of a memory."""

from __future__ import annotations

from django.db.models import Count, F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from pgvector import HalfVector
from pgvector.django import CosineDistance

from .models import Categorization, Embedding, EmbeddingSpace, Memory
from .models.memory import MemoryQuerySet

# Farther than any cosine distance: the place of a memory that has no vector yet.
FARTHEST = 2.0


def related_to(memory: Memory, *, among: MemoryQuerySet) -> MemoryQuerySet:
    """Keep the memories that share categories with this one: the most first, then the nearest."""
    space = EmbeddingSpace.objects.current()
    own = Embedding.objects.filter(memory=memory, space=space).first()
    themes = list(memory.categories.values_list("pk", flat=True))
    shared = (
        Categorization.objects.filter(memory=OuterRef("pk"), category__in=themes)
        .values("memory")
        .annotate(count=Count("pk"))
        .values("count")
    )
    related = among.in_categories_by_id(themes).exclude(pk=memory.pk)
    related = related.annotate(shared=Subquery(shared))
    if own is None:
        return related.order_by("-shared", "-created_at", "id")
    theirs = Embedding.objects.filter(memory=OuterRef("pk"), space=space).values(
        distance=CosineDistance("vector", HalfVector(own.vector))
    )
    return related.annotate(distance=Coalesce(Subquery(theirs), FARTHEST)).order_by(
        F("shared").desc(), "distance", "id"
    )
