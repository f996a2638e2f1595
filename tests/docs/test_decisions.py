"""Every decision record has the same parts, and fits on a page."""

import re
from pathlib import Path

import pytest

RECORDS = sorted((Path(__file__).parents[2] / "docs" / "decisions").glob("*.md"))
FORM = re.compile(
    r"# \d+\. [^\n]+\n\n- Status: (proposed|accepted|superseded by \[\d+\]\(\d+-[\w-]+\.md\))\n"
    r"- Date: \d{4}-\d\d-\d\d\n\n## Context\n.+\n## Decision\n.+\n## Consequences\n.+",
    re.DOTALL,
)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_has_its_parts_and_at_most_400_words(record):
    text = record.read_text()

    assert FORM.fullmatch(text)
    assert text.startswith(f"# {int(record.name[:4])}. ")
    assert len(text.split()) <= 400
