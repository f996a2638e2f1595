"""List the tests that `make test-fast` leaves out as they take long, from a report of a whole run.

make test ARGS="--junitxml=report.xml"
python -m scripts.slow_tests report.xml > tests/slow_tests.txt
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

# Seconds of a test, or of all that a function with parameters makes together.
LONG, LONG_IN_SUM = 0.15, 1.5


def main() -> None:
    print("\n".join(list_slow_tests(Path(sys.argv[1]))))


def list_slow_tests(report: Path) -> Iterator[str]:
    """The functions of tests that take long, as `tests/folder/test_file.py::test_function`."""
    seconds: dict[str, list[float]] = defaultdict(list)
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - a report of our own
        path = case.get("classname", "").replace(".", "/")
        function = case.get("name", "").partition("[")[0]
        seconds[f"{path}.py::{function}"].append(float(case.get("time", 0)))
    for name in sorted(seconds):
        total = sum(seconds[name])
        if total / len(seconds[name]) > LONG or total > LONG_IN_SUM:
            yield name


if __name__ == "__main__":
    main()
