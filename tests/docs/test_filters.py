"""The examples of the page about filters."""

import json
from pathlib import Path

import pytest
from django.conf import settings

from memories.metadata_filter import MetadataFilter
from memories.metadata_filter.grammar import LOGICAL, OPERATORS

PAGE = (Path(settings.BASE_DIR) / "docs" / "filters.md").read_text()
EXAMPLES = [block.split("```")[0] for block in PAGE.split("```json\n")[1:]]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_filter(example):
    assert MetadataFilter.parse(json.loads(example)).condition()


def test_every_operator_is_described():
    assert [name for name in (*OPERATORS, *LOGICAL) if f"`{name}`" not in PAGE] == []
