"""Call every operation of the schema with valid and with broken input: `make fuzz`.

A server is started in a scratch folder, some memories are put into it, and schemathesis looks for
a 500, and for an answer that the schema does not allow: in one process for each core, as making
input up takes longer than answering it. In the end a table tells how often each operation was
called, and how it answered. Arguments are passed on to schemathesis: with `-n 500`, that many
examples of each operation are made up instead of 100, which takes a quarter of an hour on two cores
that have nothing else to do.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import requests

from tests.deadline import SECONDS
from tests.fuzz.server import running_server

HERE = Path(__file__).parent
TEXTS = ["I like green tea.", "My bicycle is red.", "Ana moved to Lisbon in May.", "日本語 🦊"]
PROCESSES = os.cpu_count() or 1

# Input at the bounds of what the schema allows, and beyond, then input at random. Chains of
# operations take hours: ids from answers are used in both phases already.
PHASES = "examples,coverage,fuzzing"

# What changes how the server answers everything else comes last, in a process of its own: a key
# that is revoked may be the one in use.
LAST = ("/api/v1/config", "/api/v1/keys")

Operation = tuple[str, str]  # method and path


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="openmemory-fuzz-") as folder:
        scratch = Path(folder)
        with running_server(scratch / "state") as (url, key):
            write_dictionaries(scratch, url, key)
            operations = all_operations(url)
            last = [each for each in operations if comes_last(each)]
            others = [each for each in operations if each not in last]
            failed = fuzz(deal(others), scratch, url, key, arguments)
            failed |= fuzz([last], scratch, url, key, arguments)
        print_answers(scratch, operations)
        return int(failed)


def all_operations(url: str) -> list[Operation]:
    schema = requests.get(f"{url}/api/schema?format=json", timeout=SECONDS).json()
    return [
        (method.upper(), path)
        for path, operations in schema["paths"].items()
        for method in operations
        if method != "parameters"
    ]


def comes_last(operation: Operation) -> bool:
    method, path = operation
    return method != "GET" and path.startswith(LAST)


def deal(operations: Sequence[Operation]) -> list[Sequence[Operation]]:
    """Deal the operations out to as many processes as there are cores."""
    return [operations[number::PROCESSES] for number in range(PROCESSES)]


def write_dictionaries(scratch: Path, url: str, key: str) -> None:
    """Put down some memories, so that input can name what there is."""
    shutil.copy(HERE / "schemathesis.toml", scratch)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {key}"
        answers = [
            session.post(f"{url}/api/v1/memories", json={"text": text, "app": app}, timeout=SECONDS)
            for text in TEXTS
            for app in ("fuzz", "other")
        ]
    memories = [answer.json() for answer in answers]
    ids = {memory["id"] for memory in memories}
    apps = {memory["app_id"] for memory in memories}
    names = {"fuzz", "other", "preferences", "active", "paused", "archived", "deleted"}
    for name, words in {"memories": ids, "apps": apps, "known": ids | apps | names}.items():
        (scratch / f"{name}.txt").write_text("".join(f'"{word}"\n' for word in sorted(words)))


def fuzz(
    groups: Sequence[Sequence[Operation]],
    scratch: Path,
    url: str,
    key: str,
    arguments: Sequence[str],
) -> bool:
    """Run schemathesis on each group at the same time, and say whether any has failed."""
    program = str(Path(sys.executable).with_name("schemathesis"))
    phases = [] if "--phases" in arguments else ["--phases", PHASES]
    options = ["-H", f"Authorization: Bearer {key}", *phases, *arguments]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}
    running = []
    for group in groups:
        names = [f"--include-name={method} {path}" for method, path in group]
        command = [program, "run", f"{url}/api/schema", *names, *options]
        running.append(subprocess.Popen(command, cwd=scratch, env=environment))
    # All of them are waited for, whatever the first one says.
    ended = [process.wait() for process in running]
    return any(ended)


def print_answers(scratch: Path, operations: Sequence[Operation]) -> None:
    """Print how often each operation was called, and how it answered."""
    answers: Counter[tuple[str, int]] = Counter()
    for counted in scratch.glob("answers-*.json"):
        for name, status, count in json.loads(counted.read_text()):
            answers[name, status] += count
    print("\n| operation | calls | answers |\n| --- | --- | --- |")
    for method, path in operations:
        mine = {status: n for (name, status), n in answers.items() if name == f"{method} {path}"}
        shown = ", ".join(f"{status}: {count}" for status, count in sorted(mine.items()))
        print(f"| {method} {path} | {sum(mine.values())} | {shown} |")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
