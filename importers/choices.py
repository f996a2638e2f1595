"""What a person chooses of an import, in forms."""

from __future__ import annotations

from .source import Part
from .sources import AUTO, SOURCES

SOURCE_CHOICES = [
    (AUTO, "Find out from the file"),
    *((source.name, source.title) for source in SOURCES.values()),
]

# What is left out of conversations.
LEFT_OUT: dict[str, tuple[Part, ...]] = {
    "all": (),
    "without_answers": (Part.ANSWER,),
    "memories": (Part.MESSAGE, Part.ANSWER),
}
