"""Sample texts and questions, and users with any number of memories.

Memories are copied into the tables, as the API would take hours. Word frequencies follow those of
natural language: a few words are in every third memory, many in one of ten thousand. Vectors are
those of a few hundred real embeddings with a little noise.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np


def words(text: str) -> list[str]:
    return text.split()


PEOPLE = words(
    "Ana Ben Carla Dario Elif Farid Greta Hana Ivan Jana Karim Lena Mario Nora Omar Petra Quinn"
    " Rosa Selim Tara"
)
DEEDS = words(
    "bought painted lost found repaired cooked borrowed described finished started cleaned"
    " photographed carried forgot planned admired sold studied wrapped promised visited tried"
)
THINGS = words(
    "bicycle guitar garden novel kitchen jacket camera letter recipe boat tent piano cat lamp"
    " blanket ticket passport window mirror basket violin ladder kettle notebook helmet drum"
    " telescope carpet hammock candle umbrella suitcase orchard bridge"
)
PLACES = words(
    "Lisbon Berlin Oslo Kyoto Quito Accra Dublin Riga Porto Sofia Lima Hanoi Tunis Bergen"
)
SYLLABLES = words("ba ce di fo gu ha ji ko lu me ni po qua re si to vu wi xe ya zo bra cle dro")
RARE_WORDS = 20_000

# Vectors are then as far apart as those of paraphrases.
NOISE = 0.025
BASES = 400

# The actor of a memory is the person it begins with. Every other conversation has a name; in the
# others, memories are neighbours because little time passes between them.
CONVERSATION_LENGTH = 40
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)


class Writer:
    """Writes sentences and questions, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def sentence(self) -> str:
        return f"{self.beginning()} {self.ending()}"

    def beginning(self) -> str:
        """What the sentence is about: its vector depends on this alone."""
        pick = self._pick
        return (
            f"{pick(PEOPLE)} {pick(DEEDS)} a {pick(THINGS)} with {pick(PEOPLE)} in {pick(PLACES)}"
            f" and talked about the {pick(THINGS)}"
        )

    def ending(self) -> str:
        """A few words, most of them rare."""
        return f"near {self._rare_word()}, {self._rare_word()} and {self._rare_word()}."

    def question(self) -> str:
        pick = self._pick
        return (
            f"When did {pick(PEOPLE)} talk about the {pick(THINGS)} that was {pick(DEEDS)}"
            f" near {self._rare_word()}?"
        )

    def _pick(self, words: Sequence[str]) -> str:
        return str(self._random.choice(words, p=_frequencies(len(words))))

    def _rare_word(self) -> str:
        # Zipf's law: a word of twice the rank is half as likely.
        return _rare_words()[int(RARE_WORDS ** self._random.random()) - 1]


@cache
def _rare_words() -> list[str]:
    # Once, for all writers: it takes a third of a second.
    syllables = np.random.default_rng(0)
    return ["".join(syllables.choice(SYLLABLES, 4)) for _ in range(RARE_WORDS)]


def _frequencies(count: int) -> Any:
    frequencies = 1 / np.arange(2, count + 2)
    return frequencies / frequencies.sum()


def insert_memories(user_id: str, count: int, embedder: Any) -> None:
    """Copy memories of one user into the tables."""
    import psycopg
    from django.db import connection
    from pgvector.psycopg import register_vector

    from accounts.models import User
    from apps_registry.models import App

    user = User.objects.get(user_id=user_id)
    app, _ = App.objects.get_or_create(owner=user, name="benchmark")
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as copying:
        register_vector(copying)
        _copy(copying, user.pk, app.pk, count, embedder)


def _copy(connection: Any, user: uuid.UUID, app: uuid.UUID, count: int, embedder: Any) -> None:
    from configuration.catalog import TOKEN_VERSION
    from memories.search.search_vector import search_vector_text
    from memories.words import WORDS_VERSION

    writer = Writer(seed=count)
    beginnings = [writer.beginning() for _ in range(BASES)]
    bases = embedder.embed_documents(beginnings)
    random = np.random.default_rng(count)
    base_indexes = random.integers(BASES, size=count)
    ids = [uuid.uuid4() for _ in range(count)]
    connection.execute(CREATE_STAGED)
    with connection.cursor().copy("COPY staged FROM STDIN") as copy:
        for number, (pk, base) in enumerate(zip(ids, base_indexes, strict=True)):
            moment = FIRST_DAY + timedelta(minutes=5 * number)
            conversation_number = number // CONVERSATION_LENGTH
            is_named = conversation_number % 2 == 0
            conversation = f"conversation {conversation_number}" if is_named else ""
            actor, _, _ = beginnings[base].partition(" ")
            content = f"{beginnings[base]} {writer.ending()}"
            words = search_vector_text(content, moment)
            copy.write_row((pk, content, words, actor, conversation, moment))
    versions = {"words_version": WORDS_VERSION}
    connection.execute(INSERT_STAGED, {"user": user, "app": app, **versions})
    connection.execute("DROP TABLE staged")
    with connection.cursor().copy(COPY_VECTORS) as copy:
        copy.set_types(["uuid", "int8", "uuid", "halfvec"])
        for pk, vector in zip(ids, _add_noise(bases[base_indexes], random), strict=True):
            copy.write_row((pk, _space(), user, vector))
    connection.execute(STORE_TOKENS, {"user": user, "version": TOKEN_VERSION})


CREATE_STAGED = """
CREATE TEMPORARY TABLE staged (
    id uuid, content text, words text, actor text, conversation text, created_at timestamptz
)
"""
INSERT_STAGED = """
INSERT INTO memories_memory (
    id, user_id, app_id, content, actor, conversation, metadata, state, state_changed_at,
    fingerprint, words, words_version, created_at, updated_at
)
SELECT id, %(user)s, %(app)s, content, actor, conversation, '{}', 'active', created_at,
    sha256(convert_to(lower(content), 'UTF8')),
    words::tsvector, %(words_version)s,
    created_at, created_at
FROM staged
"""
COPY_VECTORS = (
    "COPY memories_embedding (memory_id, space_id, user_id, vector) FROM STDIN WITH (FORMAT BINARY)"
)


# At random, as many as a sentence has: 15 of 96 numbers.
STORE_TOKENS = """
INSERT INTO memories_tokenvectors (embedding_id, version, vectors)
SELECT id, %(version)s, decode(repeat(md5(id::text), 90), 'hex')
FROM memories_embedding WHERE user_id = %(user)s
ON CONFLICT DO NOTHING
"""


def _space() -> int:
    from memories.models import EmbeddingSpace

    return EmbeddingSpace.objects.current().pk


def _add_noise(vectors: Any, random: Any) -> Iterator[Any]:
    from pgvector import HalfVector

    for vector in vectors:
        noisy = vector + random.normal(0, NOISE, vector.shape)
        yield HalfVector(noisy / np.linalg.norm(noisy))


# Each memory is in one of these categories, as unevenly as in practice, and every fifth in another.
CATEGORIZE = """
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT memory.id, category.id, memory.user_id
FROM (SELECT id, user_id, floor(24 * random() ^ 2) + 1 AS number FROM memories_memory
      WHERE user_id = %(user)s
      UNION ALL
      SELECT id, user_id, floor(24 * random()) + 1 FROM memories_memory
      WHERE user_id = %(user)s AND random() < 0.2) AS memory
JOIN (SELECT id, row_number() OVER (ORDER BY name) AS number FROM memories_category) AS category
    USING (number)
ON CONFLICT DO NOTHING
"""

# How often most memories have been read, and how many of them by one search.
READINGS = 2
READ_PER_SEARCH = 100


def categorize(user: Any) -> None:
    """Put the memories of a user into categories."""
    from core import sql
    from memories.models import Category
    from memories.taxonomy import BUILT_IN_CATEGORIES

    Category.objects.get_or_create_many([category.name for category in BUILT_IN_CATEGORIES])
    sql.execute(CATEGORIZE, {"user": user.pk})


def log_readings(user: Any) -> None:
    """Have an app read the memories of a user."""
    from apps_registry.models import App
    from memories.access.log import log_accesses
    from memories.models import Memory

    app = App.objects.get(owner=user, name="benchmark")
    memories = list(Memory.objects.owned_by(user).only("pk"))
    for _ in range(READINGS):
        for start in range(0, len(memories), READ_PER_SEARCH):
            hits = memories[start : start + READ_PER_SEARCH * 9 // 10]
            log_accesses(hits, app=app, access_type="search")


TABLES = (
    "memories_memory, memories_embedding, memories_categorization, memories_access,"
    " memories_firstaccess, apps_registry_app"
)


def vacuum_analyze() -> None:
    """Do now what autovacuum does in the minutes after a load."""
    from core import sql

    sql.execute(f"VACUUM ANALYZE {TABLES}")
