"""Ask the language model for the facts or categories of a text, and validate its answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from configuration.providers import LanguageModel
from core.visible_text import is_visible
from memories.lifecycle.guidance import Guidance
from memories.models import Terms

from . import json_schemas, prompts
from .fact_times import read_times

# More facts than one text holds: a model that does not stop.
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
    terms: Terms = field(default_factory=Terms)
    times_left_out: int = 0


@dataclass(frozen=True)
class Extraction:
    facts: list[Fact]
    left_out: int  # items of the answer that are invalid, repeated or too many
    is_cut: bool = False  # the answer ended early: there may have been more facts


def extract_facts(
    text: str,
    *,
    said_at: datetime,
    llm: LanguageModel,
    categories: Sequence[str],
    custom: str | None,
    guidance: Guidance,
) -> Extraction:
    """Ask for the facts of a text. Raises ProviderError."""
    answer = llm.complete(
        prompts.extraction_prompt(
            limit=MAX_FACTS, categories=categories, custom=custom, guidance=guidance
        ),
        prompts.user_message(time=prompts.format_time(said_at), text=text),
        schema=json_schemas.facts(categories),
        name=json_schemas.FACTS,
    )
    items = answer.value[json_schemas.FACTS]
    valid = _read_facts(items, source=text, categories=categories)
    facts = list(islice(_drop_repeated(valid), MAX_FACTS))
    left_out = len(items) - len(facts) + answer.left_out
    return Extraction(facts, left_out=left_out, is_cut=answer.is_cut)


def ask_for_categories(
    text: str, *, llm: LanguageModel, categories: Sequence[str], guidance: Guidance
) -> list[str]:
    """Ask for the categories of a text. Raises ProviderError."""
    answer = llm.complete(
        prompts.categorization_prompt(categories=categories, guidance=guidance),
        prompts.user_message(text=text),
        schema=json_schemas.categories(categories),
        name=json_schemas.CATEGORIES,
    )
    return list(_keep_allowed(answer.value[json_schemas.CATEGORIES], categories))


def normalize(text: str) -> str:
    """Drop what two equal facts may differ in: case, spacing and the final full stop."""
    return " ".join(text.casefold().split()).rstrip(" .!。")


def _read_facts(
    items: Sequence[dict[str, Any]], *, source: str, categories: Sequence[str]
) -> Iterable[Fact]:
    for item in items:
        text = item["text"].strip()
        if is_visible(text) and len(text) <= MAX_FACT_CHARACTERS:
            terms, times_left_out = read_times(item)
            yield Fact(
                text,
                speaker=_speaker_in(source, item["speaker"]),
                date=_valid_date(item["date"]),
                categories=_keep_allowed(item["categories"], categories),
                terms=terms,
                times_left_out=times_left_out,
            )


def _drop_repeated(facts: Iterable[Fact]) -> Iterable[Fact]:
    texts = set()
    for fact in facts:
        if normalize(fact.text) not in texts:
            texts.add(normalize(fact.text))
            yield fact


def _speaker_in(source: str, speaker: str | None) -> str | None:
    """The speaker, if the source text contains the name: a model may invent one."""
    name = (speaker or "").strip()
    return name if is_visible(name) and name.casefold() in source.casefold() else None


def _valid_date(date: str | None) -> str | None:
    return date if date and _DATE.fullmatch(date) else None


def _keep_allowed(names: Sequence[str], categories: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name in categories))[:MAX_CATEGORIES]
