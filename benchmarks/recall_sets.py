"""The data sets of recall: memories, and questions with the memories that answer them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CATEGORIES = {
    1: "several memories", 2: "a time", 3: "what follows", 4: "one memory", 5: "misleading"
}  # fmt: skip

# The evidence of a misleading question is what it leads to.
UNANSWERABLE = "abs"

# The server takes no longer text.
MAX_TEXT_BYTES = 32 * 1024
MISLEADING = f"5: {CATEGORIES[5]}"

SPEAKER = re.compile(r"([^:]{1,30}): ")
DATE_OF_FACTS = datetime(2024, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Turn:
    """Stored as one memory."""

    id: str
    content: str
    moment: datetime
    actor: str = ""  # as the server finds it in the content; empty for a fact


@dataclass(frozen=True)
class Question:
    text: str
    group: str
    evidence: frozenset[str]


# The half of the questions that the shipped matrix was trained on, and the other one.
SEEN, HELD_OUT = slice(0, None, 2), slice(1, None, 2)


@dataclass(frozen=True)
class Conversation:
    """The memories of one user, and the questions about them."""

    name: str
    turns: list[Turn] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def only(self, questions: slice) -> Conversation:
        return replace(self, questions=self.questions[questions])

    @property
    def is_of_facts(self) -> bool:
        return not any(turn.actor for turn in self.turns)


def read_conversations(path: Path) -> list[Conversation]:
    if path.suffix != ".json":
        return list(_read_facts(path))
    data = json.loads(path.read_text())
    return list(_read_longmemeval(data) if isinstance(data, dict) else _read_locomo(data))


def _read_longmemeval(data: dict[str, Any]) -> Iterator[Conversation]:
    """Turns in the form of `longmemeval-dev.json`, put down in two ways.

    *Lone*, none has a speaker and so a conversation. *Mixed*, those have one that are not `alone`.
    """
    questions = [
        Question(question["question"], question["category"], frozenset(question["evidence"]))
        for question in data["questions"]
        if question["category"] != UNANSWERABLE
    ]
    for name, is_mixed in (("lone", False), ("mixed", True)):
        turns = [
            Turn(
                turn["id"],
                turn["text"].encode()[:MAX_TEXT_BYTES].decode(errors="ignore"),
                datetime.fromisoformat(turn["when"]),
                turn["role"] if is_mixed and not turn["alone"] else "",
            )
            for turn in data["turns"]
        ]
        groups = [replace(question, group=f"{name}: {question.group}") for question in questions]
        yield Conversation(f"longmemeval-{name}", turns, groups)


def _read_locomo(data: list[dict[str, Any]]) -> Iterator[Conversation]:
    """Conversations in the form of `locomo-dev.json`."""
    for entry in data:
        turns = [
            Turn(turn["id"], _content(turn), _moment(turn["when"]), turn["speaker"])
            for turn in entry["turns"]
        ]
        turn_ids = {turn.id for turn in turns}
        yield Conversation(
            f"locomo-{entry['conversation']}",
            turns,
            [
                Question(
                    question["question"],
                    f"{question['category']}: {CATEGORIES[question['category']]}",
                    frozenset(question["evidence"]) & turn_ids,
                )
                for question in entry["questions"]
            ],
        )


def _content(turn: dict[str, str]) -> str:
    image = f" [image: {turn['image']}]" if turn.get("image") else ""
    return f"{turn['speaker']}: {turn['text']}{image}"


def _moment(when: str) -> datetime:
    return datetime.strptime(when, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


def _read_facts(path: Path) -> Iterator[Conversation]:
    """A user for the facts of each language, and one for its conversations: see `facts.txt`."""
    users: dict[str, Conversation] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.startswith("=="):
            language, kind, *when = line.strip("= ").split()
            name = f"{language}-{kind}"
            user = users.setdefault(name, Conversation(name))
            date = datetime.fromisoformat("T".join(when)).replace(tzinfo=UTC) if when else None
            moment = date or DATE_OF_FACTS
        elif line.startswith("?"):
            evidence = frozenset([user.turns[-1].id])
            user.questions.append(Question(line[1:].strip(), name, evidence))
        elif line and not line.startswith("#"):
            speaker = SPEAKER.match(line) if when else None
            actor = speaker[1] if speaker else ""
            user.turns.append(Turn(f"line {number}", line, moment, actor))
    yield from users.values()
