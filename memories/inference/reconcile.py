"""Reconcile facts with existing memories: which are new, which known, and what they contradict."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Any

import structlog

from configuration.errors import TRANSIENT_FAILURES, ProviderError
from configuration.providers import LanguageModel
from memories.models import Memory
from memories.models.fingerprint import fingerprint
from memories.vectors.embed import EmbeddedTexts

from . import json_schemas, prompts
from .extract import Fact, normalize
from .json_schemas import Relation
from .similar_memories import ComparedMemory, SimilarMemories

log = structlog.get_logger(__name__)

# The most memories that one call shows to the model.
MAX_SHOWN = 100
# The most lines that are looked up as repeated memories: a search returns no more memories.
MAX_REPEATED_LINES = 100

# What agents put before each memory that they repeat: the speaker of a transcript, and a bullet.
_SPEAKER = re.compile(r"^[^\s:][^:]{0,63}: +")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, eq=False)
class Verdict:
    """How a fact relates to existing memories.

    `similar` are the memories that it was compared with, and `memories` those of them that know or
    contradict it. A fact that the model could not compare is stored as a new one: `is_compared`
    is false.
    """

    fact: Fact
    embedded: EmbeddedTexts
    similar: tuple[ComparedMemory, ...] = ()
    relation: Relation = Relation.NEW
    memories: tuple[ComparedMemory, ...] = ()
    is_compared: bool = True


def find_repeated(text: str, similar_memories: SimilarMemories) -> list[ComparedMemory]:
    """Find the memories that a text repeats line by line; empty if any line is something else."""
    lines = [_variants(line) for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_REPEATED_LINES:
        return []
    by_fingerprint = similar_memories.with_same_text(
        {variant for line in lines for variant in line}
    )
    memories = []
    for line in lines:
        digests = map(fingerprint, line)
        memory = next((by_fingerprint[key] for key in digests if key in by_fingerprint), None)
        if memory is None:
            return []
        memories.append(memory)
    return memories


def reconcile(
    facts: Sequence[Fact],
    embedded: EmbeddedTexts,
    *,
    similar_memories: SimilarMemories,
    llm: LanguageModel,
) -> list[Verdict]:
    """Reach a verdict on each fact. One call asks the model about the unclear ones.

    Raises one of TRANSIENT_FAILURES.
    """
    by_fingerprint = similar_memories.with_same_text(fact.text for fact in facts)
    verdicts = []
    for index, fact in enumerate(facts):
        embedded_fact = embedded.at(index)
        similar = similar_memories.find_nearest(embedded_fact.vectors[similar_memories.space][0])
        verdict = Verdict(fact, embedded_fact, tuple(similar))
        verdicts.append(_compare_text(verdict, by_fingerprint))
    unclear = {
        number: verdict
        for number, verdict in enumerate(verdicts, start=1)
        if verdict.relation == Relation.NEW and verdict.similar
    }
    if unclear:
        answers = _ask_model(unclear, similar_memories.source, llm)
        verdicts = [
            answers.get(number, verdict) for number, verdict in enumerate(verdicts, start=1)
        ]
    return verdicts


def _variants(line: str) -> list[str]:
    """The texts that a line may repeat: with and without its speaker and its bullet."""
    without_speaker = _SPEAKER.sub("", line)
    return [line, _BULLET.sub("", line), without_speaker, _BULLET.sub("", without_speaker)]


def _compare_text(verdict: Verdict, by_fingerprint: Mapping[bytes, ComparedMemory]) -> Verdict:
    """Mark a fact as known if a memory has the same text."""
    text = verdict.fact.text
    memory = by_fingerprint.get(fingerprint(text)) or next(
        (memory for memory in verdict.similar if normalize(memory.content) == normalize(text)), None
    )
    if memory is None:
        return verdict
    return replace(verdict, relation=Relation.KNOWN, memories=(memory,))


def _ask_model(
    unclear: Mapping[int, Verdict], source: Memory, llm: LanguageModel
) -> dict[int, Verdict]:
    """Ask about facts by number. Answers about other numbers are ignored."""
    memory_by_number = _number_memories(unclear.values())
    try:
        answer = llm.complete(
            prompts.COMPARE,
            prompts.user_message(**_build_material(unclear, source, memory_by_number)),
            schema=json_schemas.verdicts(),
            name=json_schemas.VERDICTS,
        )
    except TRANSIENT_FAILURES:
        raise
    except ProviderError as error:
        # The facts are there: what is wrong with the comparison does not cost them.
        log.warning("facts were not compared", reason=error.code)
        return {n: replace(verdict, is_compared=False) for n, verdict in unclear.items()}
    verdicts: dict[int, Verdict] = {}
    for item in answer.value[json_schemas.VERDICTS]:
        number = item["fact"]
        if number in unclear and number not in verdicts:
            verdicts[number] = _read_verdict(unclear[number], item, memory_by_number)
    return verdicts


def _number_memories(verdicts: Iterable[Verdict]) -> dict[int, ComparedMemory]:
    """Number the memories to show: the nearest of each fact first, up to the limit."""
    by_rank = zip_longest(*(verdict.similar for verdict in verdicts))
    distinct = dict.fromkeys(memory for rank in by_rank for memory in rank if memory)
    return dict(enumerate(list(distinct)[:MAX_SHOWN], start=1))


def _build_material(
    unclear: Mapping[int, Verdict], source: Memory, memory_by_number: Mapping[int, ComparedMemory]
) -> dict[str, Any]:
    numbers = {memory: number for number, memory in memory_by_number.items()}
    return {
        "time": prompts.format_time(source.created_at),
        "facts": [
            {
                "number": number,
                "text": verdict.fact.text,
                "near": [numbers[memory] for memory in verdict.similar if memory in numbers],
            }
            for number, verdict in unclear.items()
        ],
        "memories": [
            {
                "number": number,
                "text": memory.content,
                "time": prompts.format_time(memory.created_at),
            }
            for number, memory in memory_by_number.items()
        ],
    }


def _read_verdict(
    verdict: Verdict, item: dict[str, Any], memory_by_number: Mapping[int, ComparedMemory]
) -> Verdict:
    """Accept an answer as far as it refers to memories that were shown with the fact."""
    memories_in_answer = [memory_by_number.get(number) for number in item["memories"]]
    memories = tuple(memory for memory in verdict.similar if memory in memories_in_answer)
    if item["verdict"] == Relation.NEW or not memories:
        return verdict
    return replace(verdict, relation=Relation(item["verdict"]), memories=memories)
