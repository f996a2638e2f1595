"""The table of docs/authority.md, as it is written there."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

GUIDE = Path(settings.BASE_DIR) / "docs" / "authority.md"


def read(heading: str = "The table") -> dict[str, dict[str, str]]:
    """The cells by operation, such as `GET /memories`, and by the heading of their column."""
    _, _, section = GUIDE.read_text().partition(f"\n## {heading}\n")
    section, _, _ = section.partition("\n## ")
    rows = [_cells(line) for line in section.splitlines() if line.startswith("|")]
    (corner, *callers), _, *operations = rows
    assert corner == "operation"
    assert len({row[0] for row in operations}) == len(operations), "an operation has two rows"
    return {name: dict(zip(callers, cells, strict=True)) for name, *cells in operations}


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
