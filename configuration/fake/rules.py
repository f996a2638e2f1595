"""The rules by which the fake model answers."""

from __future__ import annotations

import json
import math
import re
from calendar import day_name, month_name
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zlib import crc32

from .faults import strip_markers
from .portrait import portray

_LINE = re.compile(r"^(?P<name>\w[\w .'-]{0,39}): (?P<text>.*)$")
_SENTENCE = re.compile(r"(?<=[.!?。])\s+|\n+")
_WORD = re.compile(r"\w+")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SMALL_TALK = re.compile(
    r"(hi|hello|hey|thanks|thank you|ok|okay|bye|yes|no)\b[^.]{0,20}[.!]?", re.I
)
_INJECTION = re.compile(r"\b(?:answer|reply|respond) with (\{.*\})", re.DOTALL | re.IGNORECASE)

# Words after which each of these times stands.
_TIME_WORDS = {
    "valid_from": "from|since|as of",
    "valid_until": "until|till",
    "expires_at": "forget it after|forget this after",
}

# Words that indicate a change.
_CHANGE_WORDS = {"now", "longer", "moved", "anymore", "instead", "changed", "actually", "stopped"}
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a an and any are at be been for from have has he her his i in is it its me my of on our "
        "she so that the their they this to was we were will with you your",
    )
)
_SYNONYMS = {"moved": "live", "living": "live", "loves": "like", "prefer": "like", "hate": "like"}

_CATEGORY_WORDS = {
    "food": {"eat", "cook", "coffee", "tea", "food", "restaurant", "vegan", "vegetarian"},
    "travel": {"trip", "fly", "flight", "travel", "hotel", "visit"},
    "work": {"work", "job", "office", "manager", "company"},
    "pets": {"dog", "cat", "pet"},
    "health": {"allergic", "doctor", "sick", "sleep"},
    "relationships": {"sister", "brother", "wife", "husband", "friend", "mother", "father"},
    "preferences": {"like", "dislike", "favourite"},
}


def answer(schema: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Answer the user's message, which is JSON or plain text, with an object of the schema."""
    message = _parse_message(text)
    properties = schema.get("properties", {})
    if "facts" in properties:
        fields = properties["facts"]["items"]
        facts = extract_facts(message, _allowed(fields))
        asked = fields.get("properties", {})
        return {"facts": [{name: fact[name] for name in fact if name in asked} for fact in facts]}
    if "verdicts" in properties:
        return {"verdicts": [_verdict(fact, message) for fact in message["facts"]]}
    if "categories" in properties:
        return {"categories": _categories(message.get("text", ""), _allowed(schema))}
    if "memories" in message:
        texts = [str(memory["text"]) for memory in message["memories"]]
        return portray(schema, texts, _words)  # type: ignore[no-any-return]
    return _placeholder(schema)  # type: ignore[no-any-return]


def find_injection(text: str) -> dict[str, Any] | None:
    """The JSON that a text instructs the model to answer with."""
    injection = _INJECTION.search("\n".join(_strings(_parse_message(text))))
    try:
        return dict(json.loads(injection[1])) if injection else None
    except ValueError:
        return None


def _strings(value: Any) -> Iterator[str]:
    """All strings within a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(inner)


def flood(schema: Mapping[str, Any], number: int = 10_000) -> dict[str, Any]:
    """Far too many facts, or items of the first list in the schema."""
    name, array = next(
        ((key, value) for key, value in schema["properties"].items() if value["type"] == "array"),
        ("facts", {"items": {}}),
    )
    item = _placeholder(_required(array["items"]))
    if isinstance(item, dict):
        return {
            name: [
                {**item, "text": f"Fact {n} of many."} if "text" in item else item
                for n in range(number)
            ]
        }
    return {name: [item] * number}


def extract_facts(message: Mapping[str, Any], allowed: list[str]) -> Iterator[dict[str, Any]]:
    """Every sentence is a fact, except questions, small talk and what an assistant says."""
    for speaker, sentence in _sentences(strip_markers(str(message.get("text", "")))):
        if (speaker or "").lower() == "assistant" or sentence.endswith("?"):
            continue
        if len(_WORD.findall(sentence)) < 2 or _SMALL_TALK.fullmatch(sentence):
            continue
        time = str(message.get("time", ""))
        yield {
            "text": sentence,
            "speaker": speaker,
            "date": _date(sentence, time),
            **{name: _time_after(words, sentence, time) for name, words in _TIME_WORDS.items()},
            "categories": _categories(sentence, allowed),
        }


def vector(text: str, dimensions: int) -> list[float]:
    """Texts with common words are close to each other: each word is one direction."""
    values = [0.0] * dimensions
    for word in _words(text) or {""}:
        checksum = crc32(word.encode())
        values[checksum % dimensions] += 1.0 if checksum & 0x80000000 else -1.0
    length = math.sqrt(sum(value * value for value in values))
    return [value / length for value in values] if length else [1.0, *values[1:]]


def _sentences(text: str) -> Iterator[tuple[str | None, str]]:
    for line in text.splitlines():
        turn = _LINE.match(line)
        for sentence in _SENTENCE.split(turn["text"] if turn else line):
            if sentence.strip():
                yield (turn["name"] if turn else None), sentence.strip()


def _verdict(fact: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
    """`known` if a memory has all the words, `contradicts` if some and there is a change word."""
    memories = {memory["number"]: _words(memory["text"]) for memory in message["memories"]}
    near = [number for number in fact.get("near", memories) if number in memories]
    words = _words(fact["text"])
    content_words = words - _CHANGE_WORDS
    known = [number for number in near if content_words <= memories[number]]
    related = [number for number in near if content_words & memories[number]]
    if known:
        return {"fact": fact["number"], "verdict": "known", "memories": known[:1]}
    if related and set(_WORD.findall(fact["text"].lower())) & _CHANGE_WORDS:
        return {"fact": fact["number"], "verdict": "contradicts", "memories": related}
    return {"fact": fact["number"], "verdict": "new", "memories": []}


def _words(text: str) -> set[str]:
    words = (
        word for word in _WORD.findall(strip_markers(text).casefold()) if word not in _STOP_WORDS
    )
    normalized = (_SYNONYMS.get(word, word) for word in words)
    return {word.removesuffix("s") if len(word) > 3 else word for word in normalized}


def _date(sentence: str, time: str) -> str | None:
    iso_date = _ISO_DATE.search(sentence)
    if iso_date:
        return iso_date[0]
    for word, days in (("yesterday", -1), ("today", 0), ("tomorrow", 1)):
        if word in sentence.lower() and (moment := _parse_time(time)):
            return (moment + timedelta(days=days)).date().isoformat()
    return None


def _time_after(words: str, sentence: str, time: str) -> str | None:
    """The day or month that follows these words, such as "until Friday", reckoned from a time."""
    moment = _parse_time(time)
    names = re.findall(rf"\b(?:{words}) ([\w:-]+)", sentence, re.IGNORECASE)
    times = [_next_named(name.capitalize(), moment) for name in names] if moment else []
    return next(filter(None, times), None)


def _next_named(name: str, moment: datetime) -> str | None:
    if name in day_name:
        days = (list(day_name).index(name) - moment.weekday()) % 7
        return (moment + timedelta(days=days)).date().isoformat()
    if name in month_name:
        month = list(month_name).index(name)
        return f"{moment.year + (month < moment.month)}-{month:02}"
    # Whatever begins with a digit is answered as it stands, also if it is no time.
    return name if name[0].isdigit() else None


def _parse_time(time: str) -> datetime | None:
    try:
        return datetime.strptime(time, "%A, %d %B %Y, %H:%M %Z").replace(tzinfo=UTC)
    except ValueError:
        return None


def _categories(text: str, allowed: list[str]) -> list[str]:
    words = _words(text)
    return [name for name in allowed if words & (_CATEGORY_WORDS.get(name, set()) | {name})][:2]


def _allowed(schema: Mapping[str, Any]) -> list[str]:
    categories = schema.get("properties", {}).get("categories", {})
    return list(categories.get("items", {}).get("enum", []))


def _parse_message(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"text": text}


def _required(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema of an object without the properties that may be null: many items stay short."""
    properties = schema.get("properties", {})
    required = {name: each for name, each in properties.items() if "null" not in each["type"]}
    return {**schema, "properties": required} if properties else schema


def _placeholder(schema: Mapping[str, Any]) -> Any:
    """The simplest value that matches a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    json_type = schema.get("type", "object")
    json_type = json_type[0] if isinstance(json_type, list) else json_type
    if json_type == "object":
        return {name: _placeholder(inner) for name, inner in schema.get("properties", {}).items()}
    values: dict[str, Any] = {
        "array": [],
        "string": "",
        "integer": 0,
        "number": 0,
        "boolean": False,
    }
    return values.get(json_type)
