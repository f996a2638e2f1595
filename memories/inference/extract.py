"""Ask for the facts of a text, and keep of the answer what can be one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from configuration.providers import Completer

from . import json_schemas, prompts

# More is no longer what one text says about somebody, but a model that does not stop.
MAX_FACTS = 50
MAX_FACT_CHARACTERS = 2000
MAX_CATEGORIES = 2

_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


@dataclass(frozen=True)
class Fact:
    text: str
    speaker: str | None = None
    date: str | None = None  # YYYY, YYYY-MM or YYYY-MM-DD
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Extraction:
    facts: list[Fact]
    left_out: int  # what the model answered beyond these that can be no fact, or is too many


def extract_facts(
    text: str,
    *,
    said_at: datetime,
    completer: Completer,
    categories: Sequence[str],
    custom: str | None,
) -> Extraction:
    """Ask for the facts of a text. Raises ProviderFailed."""
    answer = completer.complete(
        prompts.extracting(limit=MAX_FACTS, categories=categories, custom=custom),
        prompts.asking(time=prompts.moment(said_at), text=text),
        schema=json_schemas.facts(categories),
        name=json_schemas.FACTS,
    )
    answered = answer[json_schemas.FACTS]
    read = _read(answered, said=text, categories=categories)
    facts = list(islice(_distinct(read), MAX_FACTS))
    return Extraction(facts, left_out=len(answered) - len(facts))


def ask_for_categories(text: str, *, completer: Completer, categories: Sequence[str]) -> list[str]:
    """Ask for the categories of a text. Raises ProviderFailed."""
    answer = completer.complete(
        prompts.categorizing(categories=categories),
        prompts.asking(text=text),
        schema=json_schemas.categories(categories),
        name=json_schemas.CATEGORIES,
    )
    return list(_allowed(answer[json_schemas.CATEGORIES], categories))


def normalize(text: str) -> str:
    """What two texts that say the same, but for case, spacing and their full stop, share."""
    return " ".join(text.casefold().split()).rstrip(" .!。")


def _read(
    answered: Sequence[dict[str, Any]], *, said: str, categories: Sequence[str]
) -> Iterable[Fact]:
    for each in answered:
        text = each["text"].strip()
        if text and len(text) <= MAX_FACT_CHARACTERS:
            yield Fact(
                text,
                speaker=_named_in(said, each["speaker"]),
                date=_date(each["date"]),
                categories=_allowed(each["categories"], categories),
            )


def _distinct(facts: Iterable[Fact]) -> Iterable[Fact]:
    seen = set()
    for fact in facts:
        if normalize(fact.text) not in seen:
            seen.add(normalize(fact.text))
            yield fact


def _named_in(said: str, speaker: str | None) -> str | None:
    """The speaker, if the text has the name at all: a model may think of others."""
    name = (speaker or "").strip()
    return name if name and name.casefold() in said.casefold() else None


def _date(date: str | None) -> str | None:
    return date if date and _DATE.fullmatch(date) else None


def _allowed(names: Sequence[str], categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name in categories))[:MAX_CATEGORIES]
