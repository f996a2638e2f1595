"""Build and drop the HNSW indexes of users with too many memories for exact search.

One index over the vectors of all users is slow and lossy for those with few memories, which is
nearly everyone: see docs/decisions/0005-hybrid-search.md. Building and dropping block neither
searches nor writes, and must not run in a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from itertools import product

from django.conf import settings
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from core.locks import Lock, LockTaken, advisory_lock
from core.sql import execute, fetch_all, fetch_value
from jobs.job_run import JobRun
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, UserIndex

# The document frequency of a lexeme is stored if at least this share of a user's memories contain
# it: counting it in a search would read all of them.
COMMON_SHARE = 0.005

# Building is many times as fast while the whole graph fits in memory.
MAX_BUILD_MEGABYTES = 1024
BYTES_BESIDE_VECTOR = 1024

# One in this many new vectors triggers a count of the user's vectors: 20,000 take 2 ms.
GROWTH_CHECK_INTERVAL = 500

# Document frequencies are refreshed once the number of memories has grown by this factor.
RECOUNT_GROWTH = 1.5

COUNT_MEMORIES = """
SELECT count(*) FROM memories_memory
WHERE user_id = %s AND state = 'active'
    AND (expires_at IS NULL OR expires_at > statement_timestamp())
"""
COUNT_LEXEMES = """
SELECT lexeme, count(*)
FROM memories_memory, unnest(tsvector_to_array(words)) AS lexeme
WHERE user_id = %s AND state = 'active'
    AND (expires_at IS NULL OR expires_at > statement_timestamp())
GROUP BY lexeme HAVING count(*) >= %s
"""
# A failed build leaves an index that is not valid.
EXISTING_INDEXES = r"""
SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = 'memories_embedding'::regclass AND relname LIKE 'nearest\_%'
"""


class IndexingUnderway(Conflict):
    """Another process is building or dropping indexes. Try again later."""

    code = "indexing_underway"


class Outcome(StrEnum):
    BUILT = "built"
    REFRESHED = "refreshed"
    DROPPED = "dropped"
    NONE = "no index"


def find_candidates() -> list[tuple[User, EmbeddingSpace]]:
    """Find the users and spaces that may need an index or have one."""
    counts = Embedding.objects.values_list("user", "space").annotate(vectors=Count("pk"))
    pairs = {(user, space) for user, space, _ in counts.filter(vectors__gt=_drop_threshold())}
    pairs |= set(UserIndex.objects.values_list("user", "space"))
    users = User.objects.in_bulk([user for user, _ in pairs])
    spaces = EmbeddingSpace.objects.in_bulk([space for _, space in pairs])
    return [(users[user], spaces[space]) for user, space in sorted(pairs)]


def find_overdue() -> list[tuple[User, EmbeddingSpace]]:
    """Find the users and spaces whose index is missing, invalid or no longer needed."""
    existing = _existing_indexes()
    usable = {name for name in map(_name_of, _all_indexes()) if existing.get(name)}
    overdue = []
    for user, space in find_candidates():
        vectors = Embedding.objects.filter(user=user, space=space).count()
        has_index = _name(user, space) in usable
        limit = _drop_threshold() if has_index else settings.EXACT_SEARCH_LIMIT
        if has_index != (vectors > limit):
            overdue.append((user, space))
    return overdue


def find_leftovers() -> list[str]:
    """Find the indexes, by name, that failed builds and deleted users have left."""
    in_use = set(map(_name_of, _all_indexes()))
    return [name for name in _existing_indexes() if name not in in_use]


def sync_index(user: User, space: EmbeddingSpace) -> Outcome:
    """Build a user's index if they need one, and drop it if they no longer do.

    Of a valid index, only the document frequencies are refreshed. An invalid one is built again.
    Raises IndexingUnderway.
    """
    name = _name(user, space)
    with lock_indexes():
        vectors = Embedding.objects.filter(user=user, space=space).count()
        valid = _existing_indexes().get(name, False)
        if vectors <= (_drop_threshold() if valid else settings.EXACT_SEARCH_LIMIT):
            return _drop(user, space)
        if not valid:
            _drop(user, space)
            _build(user, space, vectors)
        _store_frequencies(user, space)
        return Outcome.REFRESHED if valid else Outcome.BUILT


def check_growth(stored: Iterable[Embedding]) -> None:
    """Enqueue an index for users who need one with these vectors, in the caller's transaction.

    The ids of the memories, which are random, decide which vectors trigger a count.
    """
    pairs = {
        (embedding.user_id, embedding.space_id)
        for embedding in stored
        if embedding.memory_id.int % GROWTH_CHECK_INTERVAL == 0
    }
    for user, space in pairs:
        enqueue_if_outgrown(user, space)


def enqueue_if_outgrown(user: uuid.UUID, space: int) -> None:
    """Enqueue an index for a user who needs one, or whose document frequencies are outdated."""
    vectors = Embedding.objects.filter(user=user, space=space).count()
    if vectors > settings.EXACT_SEARCH_LIMIT and not _is_counted(user, space):
        owner = User.objects.get(pk=user)
        index_vectors.enqueue(
            owner=owner, parameters={"space": space}, queueing_lock=f"{user} {space}"
        )


def _is_counted(user: uuid.UUID, space: int) -> bool:
    """Whether the user has an index whose document frequencies are up to date."""
    index = UserIndex.objects.filter(user=user, space=space).first()
    active = fetch_value(COUNT_MEMORIES, [user]) if index else 0
    return index is not None and active <= RECOUNT_GROWTH * index.memories


@job_type("index_vectors", queue="long", attempts=20, retries_on=(IndexingUnderway,))
def index_vectors(run: JobRun) -> None:
    """Build or drop the index of the job's owner in the space of the job, unless that is gone."""
    space = EmbeddingSpace.objects.filter(pk=run.parameters["space"]).first()
    outcome = sync_index(run.owner, space) if space else Outcome.NONE
    with run.finishing() as result:
        result["outcome"] = outcome


def drop_index(user: User, space: EmbeddingSpace) -> Outcome:
    """Drop a user's index. Searches are exact from then on. Raises IndexingUnderway."""
    with lock_indexes():
        return _drop(user, space)


def drop_indexes(users: Iterable[User]) -> None:
    """Drop all indexes of users. Raises IndexingUnderway."""
    spaces = list(EmbeddingSpace.objects.all())
    with lock_indexes():
        existing = _existing_indexes()
        for user, space in product(users, spaces):
            if _name(user, space) in existing:
                _drop(user, space)
        UserIndex.objects.filter(user__in=users).delete()


def drop_leftovers() -> list[str]:
    """Drop the indexes that failed builds and deleted users have left, and return their names.

    Raises IndexingUnderway.
    """
    with lock_indexes():
        names = find_leftovers()
        for name in names:
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        return names


@contextmanager
def lock_indexes() -> Iterator[None]:
    """Let no other process build or drop indexes: two at once would deadlock.

    Raises IndexingUnderway.
    """
    try:
        with advisory_lock(Lock.USER_INDEXES):
            yield
    except LockTaken:
        raise IndexingUnderway from None


def _drop_threshold() -> int:
    """Half the limit, so that an index near the limit is not built and dropped in turns."""
    return int(settings.EXACT_SEARCH_LIMIT) // 2


def _name(user: User, space: EmbeddingSpace) -> str:
    return f"nearest_{user.pk.hex}_{space.pk}"


def _name_of(index: UserIndex) -> str:
    return _name(index.user, index.space)


def _all_indexes() -> list[UserIndex]:
    return list(UserIndex.objects.select_related("user", "space"))


def _existing_indexes() -> dict[str, bool]:
    """The indexes in the database, and whether each is valid."""
    return dict(fetch_all(EXISTING_INDEXES))


def _build(user: User, space: EmbeddingSpace, vectors: int) -> None:
    megabytes = vectors * (2 * space.dimensions + BYTES_BESIDE_VECTOR) // 2**20 + 64
    execute(f"SET maintenance_work_mem TO '{min(megabytes, MAX_BUILD_MEGABYTES)}MB'")
    # Parallel builders share that memory through /dev/shm, which is 64 MB in a container.
    execute("SET max_parallel_maintenance_workers TO 0")
    try:
        execute(
            f"CREATE INDEX CONCURRENTLY {_name(user, space)} ON memories_embedding"
            f" USING hnsw ((vector::halfvec({space.dimensions})) halfvec_cosine_ops)"
            f" WHERE user_id = '{user.pk}' AND space_id = {space.pk}"
        )
    finally:
        execute("RESET maintenance_work_mem")
        execute("RESET max_parallel_maintenance_workers")


def _drop(user: User, space: EmbeddingSpace) -> Outcome:
    name = _name(user, space)
    deleted, _ = UserIndex.objects.filter(user=user, space=space).delete()
    existed = name in _existing_indexes()
    execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    return Outcome.DROPPED if deleted or existed else Outcome.NONE


def _store_frequencies(user: User, space: EmbeddingSpace) -> None:
    memories = fetch_value(COUNT_MEMORIES, [user.pk])
    frequencies: dict[str, int] = dict(fetch_all(COUNT_LEXEMES, [user.pk, COMMON_SHARE * memories]))
    UserIndex.objects.update_or_create(
        user=user,
        space=space,
        defaults={"memories": memories, "common_words": frequencies, "built_at": timezone.now()},
    )
