"""In how many memories words occur: counted for each search, and kept while nothing has changed.

Counting a common word reads all memories that have it. The log of a user has a line for each change
that can be seen, so that its last number says whether what was counted before still holds.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core import clock, sql
from memories.access.readable import select_active
from memories.access.reader import Reader
from memories.models import EmbeddingSpace

from .search_vector import any_of

# Of so many users, and so many words of each, are counts kept in this process.
USERS, WORDS = 500, 2000
# An upgrade may change the lexemes of memories without a line in the log.
KEPT_SECONDS = 60.0

# Each word of the query, by its number, with its document frequency among the memories that can be
# found, and the number of these. At least one row, which says whether the user has an index. What
# was counted with the index is of all that the user has: it holds for no app with rules. Of several
# forms of a word, it is the count of the commonest. Then: the last line of the log, whether the app
# has rules, when the next memory expires, and the current space with all that is known of it.
DOCUMENT_FREQUENCIES = """
SELECT query.number,
    COALESCE(
        (SELECT max((counted.common_words ->> form)::integer)
         FROM unnest(%(numbers)s::integer[], %(forms)s::text[]) AS forms (number, form)
         WHERE forms.number = query.number),
        (SELECT count(*) FROM ({among}) AS memory
         WHERE memory.words @@ query.tsquery::tsquery)
    ),
    CASE WHEN %(total)s THEN
        COALESCE(counted.memories, (SELECT count(*) FROM ({among}) AS memory))
    END,
    own.id IS NOT NULL,
    (SELECT sequence FROM memories_logchain WHERE user_id = %(user)s),
    EXISTS (SELECT FROM apps_registry_accessrule WHERE app_id = %(app)s),
    CASE WHEN %(total)s THEN (
        SELECT min(expires_at) FROM memories_memory
        WHERE user_id = %(user)s AND state = 'active' AND expires_at > %(now)s
    ) END,
    (SELECT space::text FROM memories_embeddingspace AS space WHERE space.state = 'active')
FROM (VALUES (1)) AS always
LEFT JOIN unnest(%(words)s::text[]) WITH ORDINALITY AS query (tsquery, number) ON true
LEFT JOIN memories_userindex AS own ON own.user_id = %(user)s AND own.space_id = %(space)s
LEFT JOIN memories_userindex AS counted ON counted.id = own.id
    AND NOT EXISTS (SELECT FROM apps_registry_accessrule WHERE app_id = %(app)s)
"""


class WordCounts(NamedTuple):
    """How many memories have each word, how many there are, and whether the user has an index.

    `space`: the row of the current space, which another one may have become meanwhile.
    """

    by_word: list[int]
    memories: int
    has_index: bool
    space: str | None


@dataclass
class _Kept:
    """What was counted of a user after a line of the log."""

    line: int
    memories: int
    expiry: datetime | None  # of the first of these memories to expire
    counted_at: float
    by_word: dict[str, int] = field(default_factory=dict)

    def holds(self) -> bool:
        is_recent = time.monotonic() < self.counted_at + KEPT_SECONDS
        return is_recent and (self.expiry is None or clock.now() < self.expiry)


class _Answer(NamedTuple):
    counts: dict[str, int]
    memories: int | None
    has_index: bool
    line: int | None
    has_rules: bool
    expiry: datetime | None
    space: str | None


# By user, and whether expired memories count.
_kept: OrderedDict[tuple[UUID, bool], _Kept] = OrderedDict()
_changes = Lock()


def count_words(
    words: Sequence[Sequence[str]], *, reader: Reader, space: EmbeddingSpace
) -> WordCounts:
    """Count the active memories that the reader may read, and those that have each word.

    A word is given by its forms: a memory has it that has any of them.
    """
    forms_of = {any_of(forms): forms for forms in words}
    # What a transaction has changed is logged when it ends. In one are also reads of the past.
    key = None if connection.in_atomic_block else (reader.user.pk, _counts_expired(reader))
    kept = _find(key)
    known = kept.by_word if kept else {}
    unknown = {word: forms for word, forms in forms_of.items() if word not in known}
    answer = _ask(unknown, reader=reader, space=space, total=kept is None)
    if kept and (answer.has_index or answer.has_rules or answer.line != kept.line):
        kept, known = None, {}
        answer = _ask(forms_of, reader=reader, space=space, total=True)
    counts = {**known, **answer.counts}
    memories = kept.memories if kept else answer.memories or 0
    if key and answer.line is not None and not (answer.has_index or answer.has_rules):
        _keep(key, kept or _Kept(answer.line, memories, answer.expiry, time.monotonic()), answer)
    by_word = [counts[any_of(forms)] for forms in words]
    return WordCounts(by_word, memories, answer.has_index, answer.space)


def _counts_expired(reader: Reader) -> bool:
    return reader.sees_expired and reader.app is None


def _find(key: tuple[UUID, bool] | None) -> _Kept | None:
    if key is None:
        return None
    with _changes:
        kept = _kept.get(key)
        if kept is not None and not kept.holds():
            del _kept[key]
            return None
        return kept


def _keep(key: tuple[UUID, bool], kept: _Kept, answer: _Answer) -> None:
    by_word = {**kept.by_word, **answer.counts}
    with _changes:
        _kept[key] = _Kept(
            kept.line,
            kept.memories,
            kept.expiry,
            kept.counted_at,
            by_word if len(by_word) <= WORDS else dict(answer.counts),
        )
        _kept.move_to_end(key)
        while len(_kept) > USERS:
            _kept.popitem(last=False)


def _ask(
    forms_of: dict[str, Sequence[str]], *, reader: Reader, space: EmbeddingSpace, total: bool
) -> _Answer:
    among, parameters = sql.name_parameters(*select_active(reader))
    forms = [(number, form) for number, each in enumerate(forms_of.values(), 1) for form in each]
    rows: list[Any] = sql.fetch_binary(
        DOCUMENT_FREQUENCIES.format(among=among),
        {
            **parameters,
            "numbers": [number for number, _ in forms],
            "forms": [form for _, form in forms],
            "words": list(forms_of),
            "total": total,
            "user": reader.user.pk,
            "space": space.pk,
            "app": reader.app and reader.app.pk,
            "now": clock.now(),
        },
    )
    words = list(forms_of)
    counts = {words[number - 1]: count for number, count, *_ in rows if number}
    return _Answer(counts, *rows[0][2:])
