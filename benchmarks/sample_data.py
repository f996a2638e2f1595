"""Texts that are asked about like people's, and users with any number of memories.

Memories are copied straight into the tables, not sent over the API, which would take hours.
Their texts have words as frequent as language has them: a few in every third memory, many in
one of ten thousand. Their vectors are those of a few hundred real embeddings, each moved a
little at random.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
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

# As far as paraphrases of one sentence lie from each other.
NOISE = 0.025
BASES = 400

# A memory is said by whom it begins with. Every other conversation has a name; the memories of the
# others belong together as they come soon after one another.
CONVERSATION = 40
FIRST_DAY = datetime(2023, 1, 1, tzinfo=UTC)


class Writer:
    """Writes sentences and questions, always the same ones for a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        made_up = np.random.default_rng(0)
        self._rare = ["".join(made_up.choice(SYLLABLES, 4)) for _ in range(RARE_WORDS)]

    def sentence(self) -> str:
        return f"{self.beginning()} {self.ending()}"

    def beginning(self) -> str:
        """What it is about: this decides where it lies."""
        pick = self._pick
        return (
            f"{pick(PEOPLE)} {pick(DEEDS)} a {pick(THINGS)} with {pick(PEOPLE)} in {pick(PLACES)}"
            f" and talked about the {pick(THINGS)}"
        )

    def ending(self) -> str:
        """A few words, of which most are rare."""
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
        # Of ranks as people use them: the next word is as likely to be twice as rare.
        return self._rare[int(RARE_WORDS ** self._random.random()) - 1]


def _frequencies(count: int) -> Any:
    frequencies = 1 / np.arange(2, count + 2)
    return frequencies / frequencies.sum()


def stock(user_id: str, count: int, embedder: Any) -> None:
    """Put memories of one user straight into the tables."""
    import psycopg
    from django.db import connection
    from pgvector.psycopg import register_vector

    from accounts.models import User
    from apps_registry.models import App

    user = User.objects.get(user_id=user_id)
    app, _ = App.objects.get_or_create(owner=user, name="benchmark")
    connection.ensure_connection()
    with psycopg.connect(connection.connection.info.dsn, autocommit=True) as direct:
        register_vector(direct)
        _copy(direct, user.pk, app.pk, count, embedder)


def _copy(direct: Any, user: uuid.UUID, app: uuid.UUID, count: int, embedder: Any) -> None:
    writer = Writer(seed=count)
    beginnings = [writer.beginning() for _ in range(BASES)]
    bases = embedder.embed_documents(beginnings)
    random = np.random.default_rng(count)
    chosen = random.integers(BASES, size=count)
    ids = [uuid.uuid4() for _ in range(count)]
    direct.execute(WRITTEN)
    with direct.cursor().copy("COPY written FROM STDIN") as copy:
        for number, (pk, base) in enumerate(zip(ids, chosen, strict=True)):
            moment = FIRST_DAY + timedelta(minutes=5 * number)
            begun = number // CONVERSATION
            conversation = "" if begun % 2 else f"conversation {begun}"
            actor, _, _ = beginnings[base].partition(" ")
            content = f"{beginnings[base]} {writer.ending()}"
            copy.write_row((pk, content, actor, conversation, moment))
    direct.execute(FROM_WRITTEN, {"user": user, "app": app})
    direct.execute("DROP TABLE written")
    with direct.cursor().copy(VECTORS) as copy:
        copy.set_types(["uuid", "int8", "uuid", "halfvec"])
        for pk, vector in zip(ids, _moved(bases[chosen], random), strict=True):
            copy.write_row((pk, _space(), user, vector))


WRITTEN = """
CREATE TEMPORARY TABLE written (
    id uuid, content text, actor text, conversation text, created_at timestamptz
)
"""
FROM_WRITTEN = """
INSERT INTO memories_memory (
    id, user_id, app_id, content, actor, conversation, metadata, state, state_changed_at,
    fingerprint, words, created_at, updated_at
)
SELECT id, %(user)s, %(app)s, content, actor, conversation, '{}', 'active', created_at,
    sha256(convert_to(lower(content), 'UTF8')),
    strip(to_tsvector('english', content || to_char(created_at, ' (FMDD FMMonth YYYY)'))),
    created_at, created_at
FROM written
"""
VECTORS = (
    "COPY memories_embedding (memory_id, space_id, user_id, vector) FROM STDIN WITH (FORMAT BINARY)"
)


def _space() -> int:
    from memories.models import EmbeddingSpace

    return EmbeddingSpace.objects.current().pk


def _moved(vectors: Any, random: Any) -> Iterator[Any]:
    from pgvector import HalfVector

    for vector in vectors:
        moved = vector + random.normal(0, NOISE, vector.shape)
        yield HalfVector(moved / np.linalg.norm(moved))


TABLES = (
    "memories_memory, memories_embedding, memories_categorization, memories_access,"
    " memories_firstaccess, apps_registry_app"
)


def settle() -> None:
    """Do now what PostgreSQL does by itself in the minutes after a load."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM ANALYZE {TABLES}")
