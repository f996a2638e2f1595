"""A random history of a user's memories, and what was known after each of its changes.

By requests, by keys of one's own, as Mem0's clients do it, by tools, on the pages of persons and
operators, by imports, housekeeping and plain SQL. `wrong_moments` then compares what lists,
searches and counts read at each moment with what they read of it as of then, and at some moments
also what was answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.cast import Member
from tests.memories.random_changes import QUERIES, RandomChanges
from tests.memories.state_of_a_moment import State, read_state, read_states, without

# How many of the moments are also asked about, which takes as long as twenty that are not.
ASKED = 0.1


@dataclass(frozen=True)
class Moment:
    """What was read at a moment and, if asked, answered: the list, one memory, and a search."""

    at: str
    change: str
    state: State
    asked: dict[str, Any] | None
    answers: list[Any]


class History(RandomChanges):
    def __init__(self, member: Member, seed: int) -> None:
        super().__init__(member, seed)
        self.moments: list[Moment] = []

    def run(self, changes: int) -> None:
        for _ in range(changes):
            self._look(self.change())

    def wrong_moments(self) -> Iterator[tuple[int, Moment, Any]]:
        """The moments that `as_of` answers otherwise, but for what was purged since."""
        known = read_states(self.member.user, [moment.at for moment in self.moments])
        for number, (moment, states) in enumerate(zip(self.moments, known, strict=True)):
            gone = {pk for pk, before in self.purged.items() if before > number}
            state = without(gone, moment.state)
            if any(without(gone, each) != state for each in states):
                yield number, moment, None
            if moment.asked is None:
                continue
            answers = self._ask(moment.asked, as_of=moment.at)
            expected = moment.answers
            if gone:
                # Scores are those among all that there is.
                answers, expected = (_without(gone, each[:2]) for each in (answers, expected))
            if answers != expected:
                yield number, moment, answers

    def _look(self, change: str) -> None:
        at, state = datetime.now(UTC).isoformat(), read_state(self.member.user)
        if self.random.random() >= ASKED:
            self.moments.append(Moment(at, change, state, None, []))
            return
        asked = {
            "id": self._pick() or str(uuid.UUID(int=0)),
            "query": self.random.choice(QUERIES),
            "list": self.random.choice(
                [
                    {},
                    {"actor": "Ana"},
                    {"categories": "harbour"},
                    {"search_query": "dog"},
                    {"namespace": "notes"},
                ]
            ),
            "key": self.random.choice("xyz"),
        }
        self.moments.append(Moment(at, change, state, asked, self._ask(asked)))

    def _ask(self, asked: dict[str, Any], **as_of: str) -> list[Any]:
        listed = self.member.get("/memories", {"page_size": 100, **asked["list"], **as_of})
        one = self.member.get(f"/memories/{asked['id']}", as_of)
        body = {"query": asked["query"], "min_score": 0, "include_context": 1, **as_of}
        found = self.member.post("/memories/search", body)
        keyed = self.member.get(f"/memories/by-key/notes/{asked['key']}", as_of)
        return [
            listed.json()["items"],
            one.json() if one.status_code == 200 else one.status_code,
            found.json()["results"],
            keyed.json() if keyed.status_code == 200 else keyed.status_code,
        ]


def _without(gone: set[str], answers: list[Any]) -> list[Any]:
    """The list and the memory without those that are gone, and links to them."""
    listed, one = answers
    kept = [_unlinked(gone, item) for item in listed if item["id"] not in gone]
    if isinstance(one, dict):
        one = 404 if one["id"] in gone else _unlinked(gone, one)
    return [kept, one]


def _unlinked(gone: set[str], item: dict[str, Any]) -> dict[str, Any]:
    return {
        **item,
        "superseded_by": None if item["superseded_by"] in gone else item["superseded_by"],
        "supersedes": [pk for pk in item["supersedes"] if pk not in gone],
    }
