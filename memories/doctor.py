"""Whether what is kept of memories in several places agrees."""

from __future__ import annotations

from django.db import connection
from django.db.models import Exists, OuterRef

from apps_registry.models import AccessRule, Effect
from core.checks import Findings, check, error, format_list, ok, warning
from jobs.models import Job

from .access import log
from .models import Embedding, EmbeddingSpace, Memory, StateChange
from .vectors import migration, user_index

# Kinds of jobs that embed what has no vector yet.
EMBEDDING = ("embed", "embed_new", migration.reembed.name)

BUILDING = "SELECT index_relid::regclass::text FROM pg_stat_progress_create_index"


@check("memories.vectors")
def vectors() -> Findings:
    for space in EmbeddingSpace.objects.written():
        missing = space.unembedded().count()
        waiting = Job.objects.unfinished().filter(kind__in=EMBEDDING).exists()
        if missing and not waiting:
            yield warning(
                f"{missing:,} memories have no vector in {space}: they are found by words alone.",
                "Embed them: manage.py reembed",
            )
        elif missing:
            yield ok(f"{missing:,} memories have no vector in {space} yet: a job embeds them.")
        else:
            yield ok(f"Every memory has its vector in {space}.")


@check("memories.spaces")
def spaces() -> Findings:
    if EmbeddingSpace.objects.filter(state=EmbeddingSpace.State.ACTIVE).count() != 1:
        yield error("No vectors are searched.", "Choose an embedding model: manage.py reembed")
    half = EmbeddingSpace.objects.filter(state=EmbeddingSpace.State.DROPPING)
    if half and not Job.objects.unfinished().filter(kind=migration.drop_space.name).exists():
        yield warning(
            f"The vectors of {format_list([str(space) for space in half])} were dropped in part.",
            "Go on: manage.py reembed --drop",
        )
    else:
        yield ok("No vectors of models that are no longer used were left lying.")


@check("memories.orphans")
def orphans() -> Findings:
    """The database refuses most orphans. These come about where its checks were switched off."""
    memory = Memory.objects.filter(pk=OuterRef("memory"))
    strays = Embedding.objects.filter(~Exists(memory.filter(user=OuterRef("user")))).count()
    if strays:
        yield error(
            f"{strays:,} vectors belong to no memory of their user.",
            "Was the database restored without its constraints? Restore it from a backup",
        )
    begun = StateChange.objects.filter(memory=OuterRef("pk"))
    unknown = Memory.objects.filter(~Exists(begun)).count()
    if unknown:
        yield warning(
            f"{unknown:,} memories have no history.",
            "Nothing is wrong for those who read them. Look for what wrote them past the server",
        )
    if not strays and not unknown:
        yield ok("Every vector has its memory, and every memory its history.")


@check("memories.rules")
def rules() -> Findings:
    memory = Memory.objects.filter(pk=OuterRef("memory_id"))
    named = AccessRule.objects.filter(memory_id__isnull=False)
    idle = named.filter(~Exists(memory), effect=Effect.DENY).count()
    if idle:
        yield warning(
            f"{idle} rules deny memories that are no more.",
            "They do no harm. Remove them in the admin, or with DELETE /api/v1/apps/…/rules/…",
        )
    else:
        yield ok("No rule denies what is not there.")


@check("memories.counters")
def counters() -> Findings:
    names = [f"{app} of {app.owner}" for app in log.with_wrong_count()]
    if names:
        yield warning(
            f"What these apps have read was counted wrongly: {format_list(names)}.",
            "Count it anew: manage.py housekeep --only counters",
        )
    else:
        yield ok("What apps have read is counted rightly.")


@check("memories.indexes")
def user_indexes() -> Findings:
    """Users above the limit have a job that builds theirs, and are searched exactly until then."""
    waiting = Job.objects.unfinished().filter(
        kind=user_index.index_vectors.name, owner__isnull=False
    )
    owners = set(waiting.values_list("owner", flat=True))
    late = [str(user) for user, _ in user_index.find_overdue() if user.pk not in owners]
    with connection.cursor() as cursor:
        cursor.execute(BUILDING)
        building = {name for (name,) in cursor.fetchall()}
    left = [name for name in user_index.find_leftovers() if name not in building]
    advice = "See to them: manage.py housekeep --only indexes"
    if late:
        yield warning(f"Users have an index too few or too many: {format_list(late)}.", advice)
    if left:
        yield warning(f"Indexes belong to nobody: {format_list(left)}.", advice)
    if not late and not left:
        yield ok("Those who need an index of their own have it.")
