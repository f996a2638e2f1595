"""Give users who have outgrown exact search an index of their own, and take it back.

Over everybody's vectors at once an index is slow and lossy for those who have few, which is
nearly all: see docs/decisions/0005-recall.md. Building and dropping do not stop searches or
writes, and must not run in a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from django.conf import settings
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from jobs.job_run import JobRun
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, UserIndex

# A lexeme in at least this share of a user's memories is counted once, with the index: a
# search would have to read every one of these memories.
COMMON = 0.005

# Building is many times as fast while the whole graph has room in memory.
MOST_BUILD_MEGABYTES = 1024
BYTES_BESIDE_VECTOR = 1024

# Of so many new vectors, one leads to a look at how many there are: counting 20,000 takes 2 ms.
EVERY = 500

# Lexemes are counted anew once there are so many times the memories that they were counted in.
GROWN = 1.5

# Any number that nothing else in this database locks.
ADVISORY_LOCK = 5_190_512


class IndexingUnderway(Conflict):
    """Another process is building or dropping indexes at this moment."""

    code = "indexing_underway"


class Outcome(StrEnum):
    BUILT = "built"
    REFRESHED = "refreshed"
    DROPPED = "dropped"
    NONE = "no index"


def candidates() -> list[tuple[User, EmbeddingSpace]]:
    """Find who may need an index in which space, and who has one."""
    counted = Embedding.objects.values_list("user", "space").annotate(vectors=Count("pk"))
    pairs = {(user, space) for user, space, _ in counted.filter(vectors__gt=_enough_to_keep())}
    pairs |= set(UserIndex.objects.values_list("user", "space"))
    users = User.objects.in_bulk([user for user, _ in pairs])
    spaces = EmbeddingSpace.objects.in_bulk([space for _, space in pairs])
    return [(users[user], spaces[space]) for user, space in sorted(pairs)]


def neglected() -> list[tuple[User, EmbeddingSpace]]:
    """Find whose index is missing, broken or no longer needed, and nobody sees to it."""
    built = _built()
    usable = {name for name in map(_name_of, _all_indexes()) if built.get(name)}
    found = []
    for user, space in candidates():
        vectors = Embedding.objects.filter(user=user, space=space).count()
        has = _name(user, space) in usable
        needs = vectors > (_enough_to_keep() if has else settings.EXACT_SEARCH_LIMIT)
        if has != needs:
            found.append((user, space))
    return found


def leftovers() -> list[str]:
    """Name the indexes that failed builds and deleted users have left."""
    kept = set(map(_name_of, _all_indexes()))
    return [name for name in _built() if name not in kept]


def keep_index(user: User, space: EmbeddingSpace) -> Outcome:
    """Give a user an index while they need one, and drop it when they no longer do.

    A finished index is left as it is and only its counts of words are made anew; what a build
    that failed has left is built again. Raises IndexingUnderway.
    """
    name = _name(user, space)
    with _alone():
        vectors = Embedding.objects.filter(user=user, space=space).count()
        finished = _valid(name)
        if vectors <= (_enough_to_keep() if finished else settings.EXACT_SEARCH_LIMIT):
            return _drop(user, space)
        if not finished:
            _drop(user, space)
            _build(user, space, vectors)
        _count_words(user, space)
        return Outcome.REFRESHED if finished else Outcome.BUILT


def notice_growth(stored: Iterable[Embedding]) -> None:
    """Queue an index for whoever outgrows exact search with these, in the caller's transaction.

    Which vectors are looked at is up to the ids of their memories, which are random.
    """
    looked_at = {
        (each.user_id, each.space_id) for each in stored if each.memory_id.int % EVERY == 0
    }
    for user, space in looked_at:
        queue_if_outgrown(user, space)


def queue_if_outgrown(user: uuid.UUID, space: int) -> None:
    """Queue an index for a user who needs one, or whose counts of words are of long ago."""
    vectors = Embedding.objects.filter(user=user, space=space).count()
    mine = UserIndex.objects.filter(user=user, space=space)
    counted = mine.values_list("memories", flat=True).first() or 0
    if vectors > max(settings.EXACT_SEARCH_LIMIT, GROWN * counted):
        owner = User.objects.get(pk=user)
        index_vectors.enqueue(
            owner=owner, parameters={"space": space}, queueing_lock=f"{user} {space}"
        )


@job_type("index_vectors", queue="long", attempts=20, retries_on=(IndexingUnderway,))
def index_vectors(run: JobRun) -> None:
    """Give the job's owner an index in the space that it names, if that is still there."""
    space = EmbeddingSpace.objects.filter(pk=run.parameters["space"]).first()
    outcome = keep_index(run.owner, space) if space else Outcome.NONE
    with run.finishing() as result:
        result["outcome"] = outcome


def drop_index(user: User, space: EmbeddingSpace) -> Outcome:
    """Drop a user's index: they are searched exactly from then on. Raises IndexingUnderway."""
    with _alone():
        return _drop(user, space)


def drop_leftovers() -> list[str]:
    """Drop what failed builds and deleted users have left, and name it.

    Raises IndexingUnderway.
    """
    with _alone():
        left = leftovers()
        for name in left:
            _execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        return left


def _enough_to_keep() -> int:
    """Half the limit, so that a user who is just at it does not gain and lose an index."""
    return int(settings.EXACT_SEARCH_LIMIT) // 2


def _name(user: User, space: EmbeddingSpace) -> str:
    return f"nearest_{user.pk.hex}_{space.pk}"


def _name_of(index: UserIndex) -> str:
    return _name(index.user, index.space)


def _all_indexes() -> list[UserIndex]:
    return list(UserIndex.objects.select_related("user", "space"))


def _build(user: User, space: EmbeddingSpace, vectors: int) -> None:
    needed = vectors * (2 * space.dimensions + BYTES_BESIDE_VECTOR) // 2**20 + 64
    _execute(f"SET maintenance_work_mem TO '{min(needed, MOST_BUILD_MEGABYTES)}MB'")
    # Parallel builders share that memory through /dev/shm, which is 64 MB in a container.
    _execute("SET max_parallel_maintenance_workers TO 0")
    try:
        _execute(
            f"CREATE INDEX CONCURRENTLY {_name(user, space)} ON memories_embedding"
            f" USING hnsw ((vector::halfvec({space.dimensions})) halfvec_cosine_ops)"
            f" WHERE user_id = '{user.pk}' AND space_id = {space.pk}"
        )
    finally:
        _execute("RESET maintenance_work_mem")
        _execute("RESET max_parallel_maintenance_workers")


def _drop(user: User, space: EmbeddingSpace) -> Outcome:
    name = _name(user, space)
    known, _ = UserIndex.objects.filter(user=user, space=space).delete()
    built = name in _built()
    _execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    return Outcome.DROPPED if known or built else Outcome.NONE


def _count_words(user: User, space: EmbeddingSpace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM memories_memory WHERE user_id = %s", [user.pk])
        memories = cursor.fetchone()[0]
        cursor.execute(
            "SELECT lexeme, count(*)"
            " FROM memories_memory, unnest(tsvector_to_array(words)) AS lexeme"
            " WHERE user_id = %s GROUP BY lexeme HAVING count(*) >= %s",
            [user.pk, COMMON * memories],
        )
        common = dict(cursor.fetchall())
    UserIndex.objects.update_or_create(
        user=user,
        space=space,
        defaults={"memories": memories, "common_words": common, "built_at": timezone.now()},
    )


def _valid(name: str) -> bool:
    return _built().get(name, False)


def _built() -> dict[str, bool]:
    """The indexes of users that there are, and whether each is valid: a build may have failed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
            " WHERE indrelid = 'memories_embedding'::regclass AND relname LIKE %s",
            [r"nearest\_%"],
        )
        return dict(cursor.fetchall())


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the lock of whoever builds or drops: two at once would wait for each other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise IndexingUnderway
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
