"""The jobs: turning what was sent into facts, and naming the categories of what was edited."""

from __future__ import annotations

from contextlib import suppress

from configuration import effective
from configuration.providers import Completer, completer_for
from jobs.job_run import JobRun
from memories.lifecycle.inference_jobs import CATEGORIZE, INFER
from memories.models import Category, EmbeddingSpace, Memory
from memories.taxonomy import allowed_names
from memories.vectors.embed import embed_texts

from .apply import (
    ConcurrentFacts,
    SourceChanged,
    apply_verdicts,
    require_no_concurrent_facts,
    require_unchanged,
)
from .extract import Extraction, ask_for_categories, extract_facts
from .reconcile import find_repeated, reconcile
from .similar_memories import SimilarMemories

# How often facts are compared again because others came in meanwhile. After that they are stored
# as they were judged: with so much coming in, the model would be asked for ever.
COMPARISONS = 3

NO_MODEL = "no_language_model"


@INFER.function
def infer(run: JobRun) -> None:
    """Turn a memory, as it was sent, into facts. Raises ProviderFailed, KeyMissing and KeyLost."""
    found = Memory.objects.owned_by(run.owner).filter(pk=run.parameters["memory_id"])
    try:
        _infer(run, require_unchanged(found.first()))
    except SourceChanged as overtaken:
        with run.finishing() as result:
            result["skipped"] = str(overtaken)


def _infer(run: JobRun, source: Memory) -> None:
    settings = effective.current()
    completer = completer_for(settings.llm)
    if completer is None:
        raise SourceChanged(NO_MODEL)
    space = EmbeddingSpace.objects.current()
    memories = find_repeated(source.content, SimilarMemories.of(source, space))
    if memories:
        with run.finishing() as result:
            result.update(apply_verdicts(source, [], repeated=memories, categories={}), left_out=0)
        return
    extraction = extract_facts(
        source.content,
        said_at=source.created_at,
        completer=completer,
        categories=allowed_names(),
        custom=settings.custom_instructions,
    )
    if extraction.facts:
        _remember(run, source, extraction, completer=completer)
    else:
        with run.finishing() as result:
            result.update(apply_verdicts(source, [], categories={}), left_out=extraction.left_out)


def _remember(run: JobRun, source: Memory, extraction: Extraction, *, completer: Completer) -> None:
    embedded = embed_texts([fact.text for fact in extraction.facts], for_job=True)
    space = next(iter(embedded.vectors))
    # Before the transaction, as another one that makes the same category would be waited for.
    names = {name for fact in extraction.facts for name in fact.categories}
    categories = Category.objects.get_or_create_by_name(sorted(names))
    for left in reversed(range(COMPARISONS)):
        around = SimilarMemories.of(source, space)
        judged = reconcile(extraction.facts, embedded, neighbourhood=around, completer=completer)
        try:
            with run.finishing() as result:
                if left:
                    require_no_concurrent_facts(judged, since=around)
                result.update(apply_verdicts(source, judged, categories=categories))
                result["left_out"] = extraction.left_out
            return
        except ConcurrentFacts:
            continue


@CATEGORIZE.function
def categorize(run: JobRun) -> None:
    """Name the categories of a memory anew, unless it was deleted since it was edited."""
    completer = completer_for(effective.current().llm)
    kept = Memory.objects.owned_by(run.owner).undeleted()
    while not run.finished:
        memory = kept.filter(pk=run.parameters["memory_id"]).first()
        if memory is None or completer is None:
            return
        names = ask_for_categories(memory.content, completer=completer, categories=allowed_names())
        categories = Category.objects.get_or_create_many(names)
        # An edit that came meanwhile found this job unfinished, and queued no other one.
        with suppress(SourceChanged), run.finishing():
            same = kept.filter(pk=memory.pk, content=memory.content)
            if not same.select_for_update().exists():
                raise SourceChanged
            memory.replace_categories(categories)
