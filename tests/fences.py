"""The code in a Markdown document, and running it as its reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deadline import SECONDS

# Between the outputs of two pieces of a program: nothing that a server answers.
MARK = "\N{SYMBOL FOR RECORD SEPARATOR}"

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code, and the heading that it stands under."""

    heading: str
    language: str
    code: str


def read(document: Path) -> list[Block]:
    text = document.read_text()
    # A comment in code begins like a heading.
    code = [range(*fence.span()) for fence in _FENCE.finditer(text)]
    headings = [
        found
        for found in _HEADING.finditer(text)
        if not any(found.start() in inside for inside in code)
    ]
    return [
        Block(_above(headings, fence.start()), fence[1], fence[2])
        for fence in _FENCE.finditer(text)
    ]


def _above(headings: Sequence[re.Match[str]], place: int) -> str:
    return [found[1] for found in headings if found.start() < place][-1]


@dataclass(frozen=True)
class Language:
    """How pieces of code are run as one program, and what prints a line between two of them."""

    command: Sequence[str]
    suffix: str
    between: str
    before: str = ""

    def run(self, pieces: Sequence[str], folder: Path, environment: Mapping[str, str]) -> list[str]:
        """Run all pieces, one after the other, and return what each has printed."""
        program = folder / f"program{self.suffix}"
        program.write_text(self.before + f"\n{self.between}\n".join(pieces))
        done = subprocess.run(
            [*self.command, program],
            cwd=folder, env=environment, text=True, capture_output=True, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout.split(f"{MARK}\n")


SHELL = Language(["bash"], ".sh", f"printf '{MARK}\\n'", "set -euo pipefail\n")
PYTHON = Language([sys.executable], ".py", f"print({MARK!r}, flush=True)")
JAVASCRIPT = Language(["node"], ".mjs", f"console.log({MARK!r});")
