"""What the fake model answers: simple rules in place of understanding."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from .faults import unmarked

_LINE = re.compile(r"^(?P<name>\w[\w .'-]{0,39}): (?P<said>.*)$")
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")
_WORD = re.compile(r"\w+")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SMALL_TALK = re.compile(
    r"(hi|hello|hey|thanks|thank you|ok|okay|bye|yes|no)\b[^.]{0,20}[.!]?", re.I
)
_COMMAND = re.compile(r"\b(?:answer|reply|respond) with (\{.*\})", re.DOTALL | re.IGNORECASE)

# Words that say that something else held before.
_CHANGED = {"now", "longer", "moved", "anymore", "instead", "changed", "actually", "stopped"}
_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an and any are at be been for from have has he her his i in is it its me my of on our "
        "she so that the their they this to was we were will with you your",
    )
)
_ALIKE = {"moved": "live", "living": "live", "loves": "like", "prefer": "like", "hate": "like"}

_THEMES = {
    "food": {"eat", "cook", "coffee", "tea", "food", "restaurant", "vegan", "vegetarian"},
    "travel": {"trip", "fly", "flight", "travel", "hotel", "visit"},
    "work": {"work", "job", "office", "manager", "company"},
    "pets": {"dog", "cat", "pet"},
    "health": {"allergic", "doctor", "sick", "sleep"},
    "relationships": {"sister", "brother", "wife", "husband", "friend", "mother", "father"},
    "preferences": {"like", "dislike", "favourite"},
}


def answer(schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Answer the user's message, which is JSON or a plain text, in the shape that is wanted."""
    material = _material(text)
    wanted = schema.get("properties", {})
    if "facts" in wanted:
        return {"facts": list(facts(material, _allowed(wanted["facts"]["items"])))}
    if "verdicts" in wanted:
        return {"verdicts": [_verdict(fact, material) for fact in material["facts"]]}
    if "categories" in wanted:
        return {"categories": _themes(material.get("text", ""), _allowed(schema))}
    return _filled(schema)  # type: ignore[no-any-return]


def obeyed(text: str) -> dict[str, Any] | None:
    """The JSON that a text orders a gullible model to answer with."""
    found = _COMMAND.search("\n".join(_strings(_material(text))))
    try:
        return dict(json.loads(found[1])) if found else None
    except ValueError:
        return None


def _strings(value: Any) -> Iterator[str]:
    """All texts in what a caller sends, wherever they stand."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)


def flood(schema: Mapping[str, Any], number: int = 10_000) -> dict[str, Any]:
    """Far too many of the facts that are wanted, or of whatever list it is."""
    name, wanted = next(
        ((key, value) for key, value in schema["properties"].items() if value["type"] == "array"),
        ("facts", {"items": {}}),
    )
    item = _filled(wanted["items"])
    if isinstance(item, dict):
        return {
            name: [
                {**item, "text": f"Fact {n} of many."} if "text" in item else item
                for n in range(number)
            ]
        }
    return {name: [item] * number}


def facts(material: Mapping[str, Any], allowed: list[str]) -> Iterator[dict[str, Any]]:
    """Every sentence is a fact, but for questions, small talk and what an assistant says."""
    for speaker, sentence in _sentences(unmarked(str(material.get("text", "")))):
        if (speaker or "").lower() == "assistant" or sentence.endswith("?"):
            continue
        if len(_WORD.findall(sentence)) < 2 or _SMALL_TALK.fullmatch(sentence):
            continue
        yield {
            "text": sentence,
            "speaker": speaker,
            "date": _date(sentence, str(material.get("time", ""))),
            "categories": _themes(sentence, allowed),
        }


def vector(text: str, dimensions: int) -> list[float]:
    """Texts with words in common are near each other: each word stands for one direction."""
    values = [0.0] * dimensions
    for word in _words(text) or {""}:
        hashed = crc32(word.encode())
        values[hashed % dimensions] += 1.0 if hashed & 0x80000000 else -1.0
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values] if length else [1.0, *values[1:]]


def _sentences(text: str) -> Iterator[tuple[str | None, str]]:
    for line in text.splitlines():
        spoken = _LINE.match(line)
        said = spoken["said"] if spoken else line
        for sentence in _SENTENCE.split(said):
            if sentence.strip():
                yield (spoken["name"] if spoken else None), sentence.strip()


def _verdict(fact: Mapping[str, Any], material: Mapping[str, Any]) -> dict[str, Any]:
    """Known is what a memory has all the words of; a word of change contradicts what is alike."""
    memories = {memory["number"]: _words(memory["text"]) for memory in material["memories"]}
    near = [number for number in fact.get("near", memories) if number in memories]
    words = _words(fact["text"])
    telling = words - _CHANGED
    known = [number for number in near if telling <= memories[number]]
    alike = [number for number in near if telling & memories[number]]
    if known:
        return {"fact": fact["number"], "verdict": "known", "memories": known[:1]}
    if alike and set(_WORD.findall(fact["text"].lower())) & _CHANGED:
        return {"fact": fact["number"], "verdict": "contradicts", "memories": alike}
    return {"fact": fact["number"], "verdict": "new", "memories": []}


def _words(text: str) -> set[str]:
    words = (word for word in _WORD.findall(unmarked(text).casefold()) if word not in _EMPTY)
    alike = (_ALIKE.get(word, word) for word in words)
    return {word.removesuffix("s") if len(word) > 3 else word for word in alike}


def _date(sentence: str, time: str) -> str | None:
    found = _ISO_DATE.search(sentence)
    if found:
        return found[0]
    for word, days in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        if word in sentence.lower() and (said_at := _moment(time)):
            return (said_at + timedelta(days=days)).date().isoformat()
    return None


def _moment(time: str) -> datetime | None:
    try:
        return datetime.strptime(time, "%A, %d %B %Y, %H:%M %Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def _themes(text: str, allowed: list[str]) -> list[str]:
    words = _words(text)
    return [name for name in allowed if words & (_THEMES.get(name, set()) | {name})][:2]


def _allowed(schema: Mapping[str, Any]) -> list[str]:
    categories = schema.get("properties", {}).get("categories", {})
    return list(categories.get("items", {}).get("enum", []))


def _material(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"text": text}


def _filled(schema: Mapping[str, Any]) -> Any:
    """The plainest value that fits a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: _filled(inner) for name, inner in schema.get("properties", {}).items()}
    plain: dict[str, Any] = {"array": [], "string": "", "integer": 0, "number": 0, "boolean": False}
    return plain.get(kind)
