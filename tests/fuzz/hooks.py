"""What schemathesis loads in each of its processes: see `python -m tests.fuzz`."""

from __future__ import annotations

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis

# It leads Hypothesis to input that is accepted, by a search that takes twice as long as making
# input up and calling with it. Enough of what is made up is accepted without it.
hypothesis.target = lambda *args, **kwargs: None

answers: Counter[tuple[str, int]] = Counter()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    answers[case.operation.label, response.status_code] += 1


@atexit.register
def write_answers() -> None:
    counted = [[name, status, count] for (name, status), count in answers.items()]
    Path(f"answers-{os.getpid()}.json").write_text(json.dumps(counted))
