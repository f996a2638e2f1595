"""The jobs: turning what was sent into facts, and naming the categories of what was edited."""

from __future__ import annotations

from contextlib import suppress

from configuration import effective
from configuration.providers import Completer, completer_for
from jobs.job_run import Work
from memories.categories.taxonomy import allowed
from memories.models import Category, EmbeddingSpace, Memory
from memories.vectors import embed

from . import extract
from .apply import CameBetween, Overtaken, apply, require_compared, require_untouched
from .extract import Extraction
from .reconcile import compare, repeated
from .similar_memories import Neighbourhood

# How often facts are compared again because others came in meanwhile. After that they are stored
# as they were judged: with so much coming in, the model would be asked for ever.
COMPARISONS = 3

NO_MODEL = "no_language_model"


def infer(work: Work) -> None:
    """Turn a memory, as it was sent, into facts. Raises ProviderFailed, KeyMissing and KeyLost."""
    found = Memory.objects.owned_by(work.owner).filter(pk=work.parameters["memory_id"])
    try:
        _infer(work, require_untouched(found.first()))
    except Overtaken as overtaken:
        with work.finishing() as result:
            result["skipped"] = str(overtaken)


def _infer(work: Work, source: Memory) -> None:
    settings = effective.current()
    completer = completer_for(settings.llm)
    if completer is None:
        raise Overtaken(NO_MODEL)
    space = EmbeddingSpace.objects.current()
    memories = repeated(source.content, Neighbourhood.of(source, space))
    if memories:
        with work.finishing() as result:
            result.update(apply(source, [], repeated=memories, categories={}), left_out=0)
        return
    extraction = extract.extract(
        source.content,
        said_at=source.created_at,
        completer=completer,
        categories=allowed(),
        custom=settings.custom_instructions,
    )
    if extraction.facts:
        _remember(work, source, extraction, completer=completer)
    else:
        with work.finishing() as result:
            result.update(apply(source, [], categories={}), left_out=extraction.left_out)


def _remember(work: Work, source: Memory, extraction: Extraction, *, completer: Completer) -> None:
    embedded = embed.embed([fact.text for fact in extraction.facts], for_job=True)
    space = next(iter(embedded.vectors))
    # Before the transaction, as another one that makes the same category would be waited for.
    names = {name for fact in extraction.facts for name in fact.categories}
    categories = Category.objects.by_name(sorted(names))
    for left in reversed(range(COMPARISONS)):
        around = Neighbourhood.of(source, space)
        judged = compare(extraction.facts, embedded, neighbourhood=around, completer=completer)
        try:
            with work.finishing() as result:
                if left:
                    require_compared(judged, since=around)
                result.update(apply(source, judged, categories=categories))
                result["left_out"] = extraction.left_out
            return
        except CameBetween:
            continue


def categorize(work: Work) -> None:
    """Name the categories of a memory anew, unless it was deleted since it was edited."""
    completer = completer_for(effective.current().llm)
    kept = Memory.objects.owned_by(work.owner).undeleted()
    while not work.finished:
        memory = kept.filter(pk=work.parameters["memory_id"]).first()
        if memory is None or completer is None:
            return
        names = extract.categorize(memory.content, completer=completer, categories=allowed())
        categories = Category.objects.named(names)
        # An edit that came meanwhile found this job unfinished, and queued no other one.
        with suppress(Overtaken), work.finishing():
            same = kept.filter(pk=memory.pk, content=memory.content)
            if not same.select_for_update().exists():
                raise Overtaken
            memory.move_to(categories)
