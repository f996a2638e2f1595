"""How much of what a question is about stands among the first 5 and 10 memories found.

    python benchmarks/recall.py DATA [--url URL --key KEY]

Every conversation of DATA goes into the server over its API, as the memories of a user of its
own: one turn is one memory. Then every question is asked. The same formula over the same
vectors, in plain numpy, stands beside the server's answers. Without `--url` a server is
started in a scratch folder. PostgreSQL, which alone knows its stemmer, is that of this
checkout: there the lexemes of all texts come from, for numpy.
"""

from __future__ import annotations

import argparse
import json
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from served import Client, Server, own_server, use_django

CATEGORIES = {
    1: "several memories", 2: "a time", 3: "what follows", 4: "one memory", 5: "misleading"
}  # fmt: skip
MAIN = (1, 2, 3, 4)
AT = (5, 10)
CANDIDATES = 100


@dataclass(frozen=True)
class Turn:
    id: str
    content: str
    moment: datetime


@dataclass(frozen=True)
class Question:
    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True)
class Conversation:
    name: str
    turns: list[Turn]
    questions: list[Question]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="conversations, as locomo-dev.json has them")
    parser.add_argument("--url", help="of a running server, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="of an operator of that server")
    given = parser.parse_args()
    conversations = read(given.data)
    with server(given.url, given.key) as running:
        use_django()
        with database():
            compare(running, conversations)


def compare(running: Server, conversations: Sequence[Conversation]) -> None:
    of_server: Shares = defaultdict(list)
    of_numpy: Shares = defaultdict(list)
    for conversation in conversations:
        note(of_server, conversation, ask_server(running, conversation))
        note(of_numpy, conversation, ask_numpy(conversation))
        print(f"Asked {len(conversation.questions)} questions about {conversation.name}.")
    print_table(of_server, of_numpy)


# --- The data --------------------------------------------------------------------------------


def read(path: Path) -> list[Conversation]:
    return [
        Conversation(
            each["conversation"],
            [Turn(turn["id"], content(turn), moment(turn["when"])) for turn in each["turns"]],
            [
                Question(asked["question"], asked["category"], frozenset(asked["evidence"]))
                for asked in each["questions"]
            ],
        )
        for each in json.loads(path.read_text())
    ]


def content(turn: dict[str, str]) -> str:
    image = f" [image: {turn['image']}]" if turn.get("image") else ""
    return f"{turn['speaker']}: {turn['text']}{image}"


def moment(when: str) -> datetime:
    return datetime.strptime(when, "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)


# --- The server ------------------------------------------------------------------------------


@contextmanager
def server(url: str | None, key: str | None) -> Iterator[Server]:
    if url is None:
        with own_server() as own:
            yield own
    elif key is None:
        raise SystemExit("A server of another needs a --key, of an operator.")
    else:
        yield Server(url.rstrip("/"), key)


def ask_server(running: Server, conversation: Conversation) -> list[list[str]]:
    user = running.new_user(f"locomo-{conversation.name}-{secrets.token_hex(4)}")
    turns = {remember(user, turn): turn.id for turn in conversation.turns}
    return [
        [turns[each["id"]] for each in search(user, question.text)]
        for question in conversation.questions
    ]


def remember(user: Client, turn: Turn) -> str:
    body = {
        "text": turn.content, "infer": False, "timestamp": int(turn.moment.timestamp())
    }  # fmt: skip
    return user.post("/memories", body)["id"]


def search(user: Client, question: str) -> list[dict[str, Any]]:
    return user.post("/memories/search", {"query": question, "top_k": max(AT)})["results"]


# --- The same in numpy -----------------------------------------------------------------------


@contextmanager
def database() -> Iterator[None]:
    from django.conf import settings

    from openmemory.embedded import running

    services = running.needed(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    with running.during("benchmarks/recall.py", settings.STATE_DIR, services):
        yield


def ask_numpy(conversation: Conversation) -> list[list[str]]:
    texts = [turn.content for turn in conversation.turns]
    dated = [
        f"{turn.content} ({turn.moment.day} {turn.moment:%B %Y})" for turn in conversation.turns
    ]
    asked = [question.text for question in conversation.questions]
    vectors, words = embed(texts), lexemes(dated)
    return [
        [conversation.turns[place].id for place in best(vectors, words, vector, found)]
        for vector, found in zip(embed(asked), lexemes(asked), strict=True)
    ]


def best(vectors: Any, words: list[set[str]], vector: Any, asked: set[str]) -> list[int]:
    cosines = vectors @ vector
    weights = weigh(words, asked)
    by_words = [place for place in np.argsort(-weights, kind="stable") if weights[place] > 0]
    union = np.union1d(np.argsort(-cosines)[:CANDIDATES], np.array(by_words[:CANDIDATES], int))
    near, wordy = cosines[union], weights[union]
    scores = 0.6 * (near - near.min()) / (near.max() - near.min())
    scores += 0.4 * wordy / (wordy.max() or 1)
    return [int(place) for place in union[np.argsort(-scores, kind="stable")][: max(AT)]]


def weigh(words: list[set[str]], asked: set[str]) -> Any:
    df = Counter(lexeme for each in words for lexeme in each & asked)
    total = len(words)
    weight = {
        lexeme: np.log(1 + (total - count + 0.5) / (count + 0.5)) for lexeme, count in df.items()
    }
    return np.array([sum(weight[lexeme] for lexeme in each & asked) for each in words])


def embed(texts: Sequence[str]) -> Any:
    from configuration.providers.local import LocalEmbedder

    embedder = LocalEmbedder()
    # One by one, as the server does: this model's vectors depend a little on their company.
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda text: embedder.embed_documents([text]), texts)))


def lexemes(texts: Sequence[str]) -> list[set[str]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tsvector_to_array(to_tsvector('english', text))"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS asked (text, place) ORDER BY place",
            [list(texts)],
        )
        return [set(found) for (found,) in cursor.fetchall()]


# --- The figures -----------------------------------------------------------------------------

# The shares of the evidence found, a list for each category and number of memories looked at.
Shares = dict[tuple[int, int], list[float]]


def note(shares: Shares, conversation: Conversation, answers: list[list[str]]) -> None:
    known = {turn.id for turn in conversation.turns}
    for question, found in zip(conversation.questions, answers, strict=True):
        evidence = question.evidence & known
        for at in AT if evidence else ():
            share = len(evidence & set(found[:at])) / len(evidence)
            shares[question.category, at].append(share)


def print_table(of_server: Shares, of_numpy: Shares) -> None:
    print()
    print("| questions | | server @5 | @10 | numpy @5 | @10 | ratio @5 | @10 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for title, categories in [
        ("**1 to 4**", MAIN),
        *((f"{number}: {title}", (number,)) for number, title in CATEGORIES.items()),
    ]:
        served = [mean(of_server, categories, at) for at in AT]
        computed = [mean(of_numpy, categories, at) for at in AT]
        ratios = [mine / theirs for mine, theirs in zip(served, computed, strict=True)]
        count = sum(len(of_server[category, AT[0]]) for category in categories)
        figures = " | ".join(f"{figure:.3f}" for figure in (*served, *computed, *ratios))
        print(f"| {title} | {count} | {figures} |")


def mean(shares: Shares, categories: Sequence[int], at: int) -> float:
    found = [share for category in categories for share in shares[category, at]]
    return sum(found) / len(found) if found else float("nan")


if __name__ == "__main__":
    main()
