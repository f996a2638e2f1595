"""Whoever looks for a feature of the README by its word finds its file first."""

from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OTHERS = {"tests", "benchmarks", "docs", "docker", "var", "migrations", "__pycache__"}


def first_place(word):
    """The first folder or module whose name has the word: those nearest to the top come first."""
    places = [
        path.relative_to(ROOT)
        for path in ROOT.rglob("*")
        if word in path.name and (path.is_dir() or path.suffix == ".py")
    ]
    own = [
        path
        for path in places
        if not any(part in OTHERS or part.startswith(".") for part in path.parts)
    ]
    return str(min(own, key=lambda path: (len(path.parts), str(path))))


@pytest.mark.parametrize(
    ("word", "place"),
    [
        ("search", "memories/search"),
        ("embedded", "embedded"),
        ("api_key", "accounts/api_keys.py"),
        ("backup", "backups"),
        ("export", "backups/export.py"),
        ("categor", "memories/categories"),
        ("inference", "memories/inference"),
        ("dashboard", "operators/dashboard"),
        ("rate_limit", "core/api/rate_limits.py"),
        ("agents", "agents"),
        ("housekeep", "operators/housekeeping.py"),
        ("erase", "operators/erase.py"),
        ("llm", "configuration/providers/llm.py"),
    ],
)
def test_the_first_place_with_the_word_is_that_of_the_feature(word, place):
    assert first_place(word) == place
