from __future__ import annotations

import json

from django.utils.crypto import salted_hmac

from memories.models import Memory

# Raised when `show` renders a memory differently.
RENDERING = 3

LENGTH = 32


def entity_tag(memory: Memory) -> str:
    """The strong entity tag of what `show` says of a memory.

    The version stands for the columns of the memory, the rest is in other rows. Keyed, so that no
    tag can be guessed by a client that may write and not read.
    """
    state = [
        RENDERING,
        str(memory.pk),
        memory.version,
        memory.shown_state,  # it expires without a change
        memory.app.name,
        memory.category_names,
        str(memory.superseding_id),
        [str(pk) for pk in memory.supersedes_ids],
    ]
    digest = salted_hmac("memory", json.dumps(state), algorithm="sha256").hexdigest()
    return f'"{digest[:LENGTH]}"'
