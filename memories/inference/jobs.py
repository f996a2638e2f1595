"""The jobs of the language model: extract facts, and categorize an edited memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from configuration import effective
from configuration.providers import LanguageModel, get_language_model
from jobs.job_run import JobRun
from memories.change_log.run_name import name_run
from memories.lifecycle.guidance import Guidance
from memories.lifecycle.inference_jobs import CATEGORIZE, INFER
from memories.lifecycle.kept_categories import NOT_KEPT, find_unkept
from memories.lifecycle.rewrite import Draft, rewrite_memory
from memories.models import Category, EmbeddingSpace, Memory, State
from memories.taxonomy import allowed_names
from memories.vectors.embed import embed_texts

from .apply import ConcurrentFacts, apply_verdicts, require_no_concurrent_facts
from .extract import Extraction, ask_for_categories, extract_facts
from .reconcile import Verdict, find_repeated, reconcile
from .similar_memories import SimilarMemories
from .sources import SourceChanged, load_source

# How often facts are reconciled when others came in meanwhile. After that they are stored with
# their last verdicts: under constant writes, the model would be asked without end.
MAX_ATTEMPTS = 3

NO_MODEL = "no_language_model"
SWITCHED_OFF = "inference_is_off"


@INFER.function
def infer(run: JobRun) -> None:
    """Turn a memory into facts. Raises ProviderError, KeyMissing and KeyLost."""
    try:
        _infer(run, load_source(UUID(run.parameters["memory_id"]), user=run.owner))
    except SourceChanged as change:
        with run.finishing() as result:
            result["skipped"] = str(change)


@contextmanager
def _finishing(run: JobRun) -> Iterator[dict[str, Any]]:
    """The transaction of the effects. Their lines in the log name the job."""
    with run.finishing() as result:
        name_run(run.job.pk)
        yield result


def _infer(run: JobRun, source: Memory) -> None:
    if not source.user.infer:
        raise SourceChanged(SWITCHED_OFF)
    settings = effective.current_settings()
    llm = get_language_model(settings.llm)
    if llm is None:
        raise SourceChanged(NO_MODEL)
    guidance = Guidance.of_job(run.parameters)
    space = EmbeddingSpace.objects.current()
    repeated = find_repeated(source.content, SimilarMemories.of(source, space))
    if repeated:
        with _finishing(run) as result:
            result.update(apply_verdicts(source, [], repeated=repeated, categories={}), left_out=0)
        return
    extraction = extract_facts(
        source.content,
        said_at=source.created_at,
        llm=llm,
        categories=list(guidance.categories) or allowed_names(),
        custom=settings.custom_instructions,
        guidance=guidance,
    )
    if extraction.facts:
        _store_facts(run, source, extraction, llm=llm)
    else:
        with _finishing(run) as result:
            result.update(apply_verdicts(source, [], categories={}), left_out=extraction.left_out)


def _store_facts(
    run: JobRun, source: Memory, extraction: Extraction, *, llm: LanguageModel
) -> None:
    user = source.user
    facts = [fact for fact in extraction.facts if not find_unkept(fact.categories, user=user)]
    keeps_source = len(facts) == len(extraction.facts)
    embedded = embed_texts([fact.text for fact in facts], for_job=True, stored=source)
    space = next(iter(embedded.vectors))
    # Before the transaction: it would wait for another one that creates the same category.
    names = {name for fact in facts for name in fact.categories}
    categories = Category.objects.get_or_create_by_name(sorted(names))
    for attempts_left in reversed(range(MAX_ATTEMPTS)):
        similar_memories = SimilarMemories.of(source, space)
        verdicts = reconcile(facts, embedded, similar_memories=similar_memories, llm=llm)
        try:
            with _finishing(run) as result:
                if attempts_left:
                    require_no_concurrent_facts(verdicts, since=similar_memories)
                applied = apply_verdicts(
                    source, verdicts, categories=categories, keeps_source=keeps_source
                )
                result.update(applied)
                if not keeps_source:
                    result["not_kept"] = len(extraction.facts) - len(facts)
                result.update(_describe_gaps(extraction, verdicts))
            return
        except ConcurrentFacts:
            continue


def _describe_gaps(extraction: Extraction, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What is missing in the result of a job, for whoever reads it."""
    gaps: dict[str, Any] = {"left_out": extraction.left_out}
    if extraction.is_cut:
        gaps["cut_off"] = "The answer of the model was cut off: increase `max_tokens`."
    if times := sum(fact.times_left_out for fact in extraction.facts):
        gaps["times_left_out"] = times
    not_compared = sum(not verdict.is_compared for verdict in verdicts)
    return {**gaps, "not_compared": not_compared} if not_compared else gaps


@CATEGORIZE.function
def categorize(run: JobRun) -> None:
    """Ask for the categories of an edited memory, unless it was deleted, locked or given some."""
    llm = get_language_model(effective.current_settings().llm)
    guidance = Guidance.of_job(run.parameters)
    allowed = list(guidance.categories) or allowed_names()
    undeleted = Memory.objects.owned_by(run.owner).undeleted()
    undeleted = undeleted.filter(categories_given=False, immutable=False)
    while not run.finished:
        memory = undeleted.select_related("user").filter(pk=run.parameters["memory_id"]).first()
        if memory is None or llm is None or not memory.user.infer:
            return
        names = ask_for_categories(memory.content, llm=llm, categories=allowed, guidance=guidance)
        is_kept = not find_unkept(names, user=memory.user)
        categories = Category.objects.get_or_create_many(names if is_kept else [])
        # An edit during the call found this job unfinished, and enqueued no other one.
        with suppress(SourceChanged), _finishing(run):
            unchanged = undeleted.filter(pk=memory.pk, content=memory.content).locked().first()
            if unchanged is None:
                raise SourceChanged
            if is_kept:
                rewrite_memory(unchanged, Draft.of(unchanged, categories=categories), by=None)
            else:
                refused = Memory.objects.filter(pk=unchanged.pk)
                refused.change_state(State.DELETED, by=None, reason=NOT_KEPT)
