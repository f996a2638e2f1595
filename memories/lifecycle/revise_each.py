"""Edit many memories, each in its own way, all or none of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping

from accounts.models import User
from core.transactions import change
from memories.models import Category
from memories.models.memory import MemoryQuerySet
from memories.vectors.embed import embed_texts

from .guidance import Guidance
from .inference_jobs import CATEGORIZE, enqueue_for
from .revise import Edit, build_draft, calls_model, categories_after_edit, require_editable
from .rewrite import rewrite_memory


def revise_each(
    edits: Mapping[uuid.UUID, Edit],
    *,
    among: MemoryQuerySet,
    by: User,
    guidance: Guidance | None = None,
    note: Callable[[], None] | None = None,
) -> None:
    """Make these edits, which name no categories. New texts are embedded at once.

    `guidance` is for the language model. `note` is called in the transaction of the edits.

    Raises MemoryNotFound, NotKept, and what `require_editable` raises for any of the memories.
    """
    for memory in among.exactly(edits.keys()).with_relations():
        require_editable(memory, edits[memory.pk], app=among.reading_app)
    numbers = {pk: i for i, pk in enumerate(pk for pk, edit in edits.items() if edit.text)}
    embedded = embed_texts([edits[pk].text or "" for pk in numbers])
    assigned = embedded.category_names()
    with change():
        memories = among.exactly(edits.keys())
        list(memories.locked(no_key=True).values_list("pk"))
        for memory in memories.with_relations().select_related("user").order_by("pk"):
            edit, number = edits[memory.pk], numbers.get(memory.pk)
            require_editable(memory, edit, app=among.reading_app)
            is_new = number is not None and edit.text != memory.content
            names = None
            if is_new and number is not None:
                names = categories_after_edit(edit, assigned[number], user=memory.user)
            categories = None if names is None else Category.objects.get_or_create_many(names)
            rewrite_memory(
                memory,
                build_draft(edit, memory, categories),
                embedded.take([number]) if number is not None else None,
                by=by,
                key=among.key,
                app=among.reading_app,
            )
            if is_new and calls_model(memory.user):
                enqueue_for(memory, CATEGORIZE, guidance or Guidance())
        if note is not None:
            note()
