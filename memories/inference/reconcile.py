"""Find out which facts are new, which are known, and what they contradict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

from configuration.providers import Completer
from memories.models import Memory
from memories.models.memory import fingerprint
from memories.vectors.embed import EmbeddedTexts

from . import json_schemas, prompts
from .extract import Fact, normalize
from .json_schemas import Relation
from .similar_memories import SimilarMemories

# How many memories one call shows at most.
MAX_SHOWN = 100
# How many lines are looked up as repetitions: a search brings no more memories than this.
MAX_REPEATED = 100

# What agents put before each of the memories that they repeat, and who says it in a transcript.
_SPEAKER = re.compile(r"^[^\s:][^:]{0,63}: +")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, eq=False)
class Verdict:
    """A fact, the memories near it, and those of them that know it or that it contradicts."""

    fact: Fact
    embedded: EmbeddedTexts
    near: tuple[Memory, ...] = ()
    judgement: Relation = Relation.NEW
    memories: tuple[Memory, ...] = ()


def find_repeated(text: str, neighbourhood: SimilarMemories) -> list[Memory]:
    """Find the memories of which a text says every one and nothing else, line by line, if so."""
    lines = [_wordings(line) for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_REPEATED:
        return []
    said = neighbourhood.saying({wording for wordings in lines for wording in wordings})
    found = [
        next((said[mark] for mark in map(fingerprint, wordings) if mark in said), None)
        for wordings in lines
    ]
    memories = [memory for memory in found if memory]
    return memories if len(memories) == len(lines) else []


def reconcile(
    facts: Sequence[Fact],
    embedded: EmbeddedTexts,
    *,
    neighbourhood: SimilarMemories,
    completer: Completer,
) -> list[Verdict]:
    """Judge each fact. The model is asked once, about what cannot be told without it.

    Raises ProviderFailed.
    """
    said = neighbourhood.saying(fact.text for fact in facts)
    judged = []
    for number, fact in enumerate(facts):
        alone = embedded.at(number)
        near = neighbourhood.nearest(alone.vectors[neighbourhood.space][0])
        judged.append(_by_words(Verdict(fact, alone, tuple(near)), said))
    unclear = {
        number: each
        for number, each in enumerate(judged, start=1)
        if each.judgement == Relation.NEW and each.near
    }
    if unclear:
        answered = _by_model(unclear, neighbourhood.source, completer)
        judged = [answered.get(number, each) for number, each in enumerate(judged, start=1)]
    return judged


def _wordings(line: str) -> list[str]:
    """What a line may repeat: itself, or what stands behind its speaker and its bullet."""
    spoken = _SPEAKER.sub("", line)
    return [line, _BULLET.sub("", line), spoken, _BULLET.sub("", spoken)]


def _by_words(judged: Verdict, said: Mapping[bytes, Memory]) -> Verdict:
    """Take for known what is there in the same words."""
    text = judged.fact.text
    memory = said.get(fingerprint(text)) or next(
        (near for near in judged.near if normalize(near.content) == normalize(text)), None
    )
    if memory is None:
        return judged
    return replace(judged, judgement=Relation.KNOWN, memories=(memory,))


def _by_model(
    unclear: Mapping[int, Verdict], source: Memory, completer: Completer
) -> dict[int, Verdict]:
    """Ask about facts by their numbers. What is answered about no fact counts for nothing."""
    shown = _shown(unclear.values())
    answer = completer.complete(
        prompts.COMPARE,
        prompts.asking(**_material(unclear, source, shown)),
        schema=json_schemas.verdicts(),
        name=json_schemas.VERDICTS,
    )
    answered: dict[int, Verdict] = {}
    for verdict in answer[json_schemas.VERDICTS]:
        number = verdict["fact"]
        if number in unclear and number not in answered:
            answered[number] = _judged(unclear[number], verdict, shown)
    return answered


def _shown(unclear: Iterable[Verdict]) -> dict[int, Memory]:
    """Number the memories to be shown: the nearest of each fact first, while there is room."""
    by_rank = zip_longest(*(each.near for each in unclear))
    distinct = dict.fromkeys(memory for rank in by_rank for memory in rank if memory)
    return dict(enumerate(list(distinct)[:MAX_SHOWN], start=1))


def _material(
    unclear: Mapping[int, Verdict], source: Memory, shown: Mapping[int, Memory]
) -> dict[str, Any]:
    numbers = {memory: number for number, memory in shown.items()}
    return {
        "time": prompts.moment(source.created_at),
        "facts": [
            {
                "number": number,
                "text": each.fact.text,
                "near": [numbers[memory] for memory in each.near if memory in numbers],
            }
            for number, each in unclear.items()
        ],
        "memories": [
            {"number": number, "text": memory.content, "time": prompts.moment(memory.created_at)}
            for number, memory in shown.items()
        ],
    }


def _judged(judged: Verdict, verdict: dict[str, Any], shown: Mapping[int, Memory]) -> Verdict:
    """Obey a verdict as far as it names memories that were shown with the fact."""
    named = [shown.get(number) for number in verdict["memories"]]
    memories = tuple(memory for memory in judged.near if memory in named)
    if verdict["verdict"] == Relation.NEW or not memories:
        return judged
    return replace(judged, judgement=Relation(verdict["verdict"]), memories=memories)
