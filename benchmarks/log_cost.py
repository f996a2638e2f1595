"""What the log of changes costs a write.

    python benchmarks/log_cost.py [--rounds 20]

Starts a server and stores, edits and deletes memories, in turns with the triggers of the log and
without them. Prints the medians and their ratios. The log of this user then has gaps.

To switch triggers has each connection plan its statements anew, as no write of a server does: the
first writes of a turn are not counted.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from typing import Any

from live_server import Client, own_server, setup_django
from measurement import milliseconds

WRITES_OF_A_TURN = 15
PLANNED_ANEW = 5
WARM_UP = 2

TABLES = ("memories_memory", "memories_categorization")
TRIGGERS = ("log_inserted", "log_updated", "log_deleted")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with own_server() as server:
        setup_django()
        writes = Writes(server.new_user("somebody"))
        taken: dict[tuple[str, bool], list[float]] = defaultdict(list)
        for number in range(options.rounds):
            for is_logged in (True, False) if number % 2 else (False, True):
                log(is_logged)
                for name, is_counted, call in writes.turn():
                    if is_counted and number >= WARM_UP:
                        taken[name, is_logged].append(milliseconds(call))
                    else:
                        call()
        log(True)
    print("| write | without the log | with it | ratio |")
    print("| --- | --- | --- | --- |")
    for name in Writes.names:
        without, logged = (median(taken[name, is_logged]) for is_logged in (False, True))
        print(f"| {name} | {without:.1f} ms | {logged:.1f} ms | **{logged / without:.2f}** |")


def log(is_on: bool) -> None:
    from core import sql

    verb = "ENABLE" if is_on else "DISABLE"
    for table in TABLES:
        actions = ", ".join(f"{verb} TRIGGER {trigger}" for trigger in TRIGGERS)
        sql.execute(f"ALTER TABLE {table} {actions}")


class Writes:
    names = ("store", "edit", "edit metadata", "store 100 at once", "delete")

    def __init__(self, client: Client) -> None:
        from sample_data import Writer

        self._client = client
        self._writer, self._days = Writer(seed=1), count(1)

    def turn(self) -> Iterator[tuple[str, bool, Callable[[], Any]]]:
        for number in range(WRITES_OF_A_TURN):
            is_counted = number >= PLANNED_ANEW
            stored: list[str] = []
            yield "store", is_counted, lambda ids=stored: ids.append(self._store())
            path = f"/memories/{stored[0]}"
            text, change = {"memory_content": self._text()}, {"metadata": {"day": next(self._days)}}
            calls: dict[str, Callable[[], Any]] = {
                "edit": lambda path=path, text=text: self._client.put(path, text),
                "edit metadata": lambda path=path, it=change: self._client.patch(path, it),
                "delete": lambda path=path: self._client.delete(path),
            }
            for name, call in calls.items():
                yield name, is_counted, call
        bodies = {"memories": [{"text": self._text()} for _ in range(100)]}
        yield "store 100 at once", True, lambda: self._client.post("/memories/bulk", bodies)

    def _store(self) -> str:
        return str(self._client.post("/memories", {"text": self._text()})["id"])

    def _text(self) -> str:
        return f"{self._writer.beginning()} on day {next(self._days)}"


if __name__ == "__main__":
    main()
