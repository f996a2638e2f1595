"""Why a search found a memory, or did not, in words for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from memories.access.reader import Reader
from memories.models import Memory
from memories.search import Cutoffs, Explanation, Hit, Reason, find_hits

REASONS: dict[Reason, str | Promise] = {
    Reason.FOUND: gettext_lazy("It is found."),
    Reason.BEYOND_TOP_K: gettext_lazy("Others fit better: an app that asks for ten is not told."),
    Reason.BELOW_THRESHOLD: gettext_lazy("It is not alike enough in meaning."),
    Reason.BELOW_MIN_SCORE: gettext_lazy("It is not likely enough to answer this."),
    Reason.BELOW_FLOOR: gettext_lazy("Nothing that is stored is likely to answer this."),
    Reason.UNKNOWN: gettext_lazy("It cannot be read."),
    Reason.EXPIRED: gettext_lazy("It has expired."),
    Reason.PAUSED: gettext_lazy("It is paused: searches leave it out until you resume it."),
    Reason.ARCHIVED: gettext_lazy("It is archived: searches leave it out until you resume it."),
    Reason.DELETED: gettext_lazy("It is deleted."),
    Reason.DENIED: gettext_lazy("A rule keeps it from this app."),
    Reason.FILTERED: gettext_lazy("The filters leave it out."),
    Reason.NO_CANDIDATE: gettext_lazy(
        "It shares no word with the question, and a hundred others are nearer in meaning."
    ),
}


@dataclass(frozen=True)
class Answer:
    """What a question does to one memory: its place among the hits, and why."""

    is_found: bool
    place: int | None
    score: float | None
    reason: str | Promise
    parts: Sequence[str]
    better: Sequence[Hit]


def describe_hit(hit: Hit) -> list[str]:
    """What a hit was found by, the most telling first."""
    parts = describe_explanation(hit.explanation, similarity=hit.similarity)
    # Where little is stored, a search also finds what hardly fits.
    parts = parts or [_("hardly alike: nothing fits better")]
    return parts if hit.is_valid else [*parts, _("no longer, or not yet, valid")]


def describe_explanation(explanation: Explanation | None, *, similarity: float | None) -> list[str]:
    if explanation is None:
        return []
    parts = []
    if explanation.matched_words:
        words = sorted(explanation.matched_words, key=explanation.matched_words.__getitem__)
        parts.append(_("words: %(words)s") % {"words": ", ".join(reversed(words))})
    if similarity:
        share = {"percent": round(similarity * 100)}
        alike = _("%(percent)s %% alike in meaning") % share
        parts.append(alike)
    if explanation.speaker:
        parts.append(_("said by %(speaker)s") % {"speaker": explanation.speaker})
    if explanation.nearby_words:
        parts.append(_("what was said beside it fits"))
    if explanation.time_part:
        parts.append(_("from the time that was asked for"))
    return parts


def explain_memory(memory: Memory, question: str, *, reader: Reader) -> Answer:
    """Ask a question, and tell how this memory fared."""
    result = find_hits(
        question, reader=reader, cutoffs=Cutoffs(top_k=10), explain=True, missing=[memory.pk]
    )
    [fate] = result.missing or []
    return Answer(
        is_found=fate.reason == Reason.FOUND,
        place=fate.place,
        score=fate.score,
        reason=REASONS[fate.reason],
        parts=describe_explanation(fate.explanation, similarity=fate.similarity),
        better=[hit for hit in result.hits[:3] if hit.memory.pk != memory.pk],
    )
