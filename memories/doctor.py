"""Check that what is stored about memories in several places agrees."""

from __future__ import annotations

from django.db.models import Exists, OuterRef

from apps_registry.models import AccessRule, Effect
from core.checks import Findings, check, error, format_list, ok, warning
from core.quantities import with_noun
from core.sql import fetch_column
from jobs.models import Job

from .access import log
from .change_log.chain_check import find_faults, find_logged_users
from .lifecycle import word_index
from .models import Embedding, EmbeddingSpace, Memory, StateChange
from .vectors import migration
from .vectors.embedding_jobs import embed_missing, embed_new
from .vectors.user_index import find_leftovers, find_overdue, index_vectors

# The names of the job types that embed memories without a vector.
EMBEDDING_JOBS = (embed_missing.name, embed_new.name, migration.reembed.name)

INDEXES_BEING_BUILT = "SELECT index_relid::regclass::text FROM pg_stat_progress_create_index"


def _have(number: int) -> str:
    return with_noun(number, "memory has", "memories have")


@check("memories.vectors")
def check_vectors() -> Findings:
    for space in EmbeddingSpace.objects.written():
        missing = space.unembedded().count()
        has_job = Job.objects.unfinished().filter(kind__in=EMBEDDING_JOBS).exists()
        if missing and not has_job:
            yield warning(
                f"{_have(missing)} no embedding in {space}. Only keyword search finds them.",
                "Embed them: manage.py reembed",
            )
        elif missing:
            yield ok(f"{_have(missing)} no embedding in {space} yet: a job embeds them.")
        else:
            yield ok(f"Every memory has an embedding in {space}.")
        incomplete = space.incomplete().count() - missing
        if incomplete and not has_job:
            yield warning(
                f"{_have(incomplete)} no vectors of their tokens in {space}. "
                "Searches rank them a little worse.",
                "Add them: manage.py reembed",
            )
        elif incomplete:
            yield ok(f"{_have(incomplete)} no vectors of tokens yet: a job adds them.")


@check("memories.spaces")
def check_spaces() -> Findings:
    if EmbeddingSpace.objects.filter(state=EmbeddingSpace.State.ACTIVE).count() != 1:
        yield error(
            "There is no current embedding space.", "Choose an embedding model: manage.py reembed"
        )
    dropping = EmbeddingSpace.objects.filter(state=EmbeddingSpace.State.DROPPING)
    if dropping and not Job.objects.unfinished().filter(kind=migration.drop_space.name).exists():
        names = format_list([str(space) for space in dropping])
        yield warning(
            f"The vectors of {names} were dropped only in part.",
            "Drop the rest: manage.py reembed --drop",
        )
    else:
        yield ok("No partly dropped vectors of former models are left.")


@check("memories.log")
def check_log() -> Findings:
    ids = find_logged_users()
    faulty = [user_id for user_id in ids if find_faults(user_id, limit=1)]
    if faulty:
        yield error(
            f"The logs of {len(faulty):,} of {with_noun(len(ids), 'user')} have faults.",
            "Find out what was changed: manage.py verify_log",
        )
    else:
        yield ok(f"The logs of {with_noun(len(ids), 'user')} are intact.")


@check("memories.orphans")
def check_orphans() -> Findings:
    """Constraints prevent most orphans. These appear if the constraints were disabled."""
    memory = Memory.objects.filter(pk=OuterRef("memory"))
    vectors = Embedding.objects.filter(~Exists(memory.filter(user=OuterRef("user")))).count()
    if vectors:
        yield error(
            f"{with_noun(vectors, 'embedding belongs', 'embeddings belong')} to no memory of "
            "their user.",
            "Was the database restored without its constraints? Restore it from a backup",
        )
    history = StateChange.objects.filter(memory=OuterRef("pk"))
    memories = Memory.objects.filter(~Exists(history)).count()
    if memories:
        yield warning(
            f"{_have(memories)} no history.",
            "Users can read them as usual. Find what wrote them without the server",
        )
    if not vectors and not memories:
        yield ok("Every embedding belongs to a memory, and every memory has its history.")


@check("memories.rules")
def check_rules() -> Findings:
    memory = Memory.objects.filter(pk=OuterRef("memory_id"))
    rules = AccessRule.objects.filter(memory_id__isnull=False, effect=Effect.DENY)
    unused = rules.filter(~Exists(memory)).count()
    if unused:
        yield warning(
            f"{with_noun(unused, 'rule denies', 'rules deny')} memories that no longer exist.",
            "They do no harm. Delete them in the admin, or with DELETE /api/v1/apps/…/rules/…",
        )
    else:
        yield ok("Every deny rule is for an existing memory.")


@check("memories.counters")
def check_counters() -> Findings:
    names = [f"{app} of {app.owner}" for app in log.with_wrong_count()]
    if names:
        yield warning(
            f"The numbers of memories that these apps have read are wrong: {format_list(names)}.",
            "Count again: manage.py housekeep --only counters",
        )
    else:
        yield ok("The numbers of memories that apps have read are right.")


@check("memories.words")
def check_words() -> Findings:
    outdated = word_index.outdated().count()
    has_job = Job.objects.unfinished().filter(kind=word_index.index_words.name).exists()
    if outdated and not has_job:
        yield warning(
            f"{with_noun(outdated, 'memory is', 'memories are')} found by the words of a former "
            "release: codes, accents and scripts without spaces are missing.",
            "Index them: manage.py index_words --all",
        )
    elif outdated:
        yield ok(f"{_have(outdated)} the words of a former release yet: a job runs.")
    else:
        yield ok("The words of every memory are indexed.")


@check("memories.indexes")
def check_user_indexes() -> Findings:
    """A user above the limit has a job that builds an index, and exact searches until then."""
    jobs = Job.objects.unfinished().filter(kind=index_vectors.name, owner__isnull=False)
    owners = set(jobs.values_list("owner", flat=True))
    overdue = [str(user) for user, _ in find_overdue() if user.pk not in owners]
    being_built = set(fetch_column(INDEXES_BEING_BUILT))
    leftovers = [name for name in find_leftovers() if name not in being_built]
    advice = "Fix them: manage.py housekeep --only indexes"
    if overdue:
        yield warning(
            f"These users lack an index or have one they do not need: {format_list(overdue)}.",
            advice,
        )
    if leftovers:
        yield warning(f"These indexes belong to no user: {format_list(leftovers)}.", advice)
    if not overdue and not leftovers:
        yield ok("Every user who needs an index has one.")
