"""The version that a change is for, as REST has it in the header If-Match."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from core.api.etags import Preconditions, parse_tags
from core.errors import Malformed
from memories.lifecycle.states import Precondition
from memories.serializers import entity_tag

IfMatch = Annotated[
    str | None,
    Field(
        max_length=1000,
        description="The `etag` that you read: only if nobody has changed the memory since.",
    ),
]


def read_if_match(if_match: str | None) -> Precondition | None:
    """The tags may be in quotes, as HTTP has them, or one alone without. Raises Malformed."""
    if if_match is None:
        return None
    is_bare = '"' not in if_match and if_match.strip() != "*"
    quoted = f'"{if_match.strip()}"' if is_bare else if_match
    try:
        preconditions = Preconditions(parse_tags(quoted, what="`if_match`"), None)
    except Malformed as error:
        raise Malformed(str(error), field="if_match") from None
    return lambda memory: preconditions.require_match(entity_tag(memory))
