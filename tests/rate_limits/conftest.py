from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches

DAY = 86_400


@pytest.fixture(autouse=True)
def nothing_counted(services: None) -> Iterator[None]:
    """Every test begins with no request counted."""
    caches["limits"].clear()
    yield
    caches["limits"].clear()


@pytest.fixture
def limit(settings) -> Callable[..., None]:
    """Set limits a day, so that no window ends during a test: `limit(reads=2, writes=None)`."""

    def set_limits(**quotas: int | None) -> None:
        rates = {name: quota and (quota, DAY) for name, quota in quotas.items()}
        settings.RATE_LIMITS = {**settings.RATE_LIMITS, **rates}

    return set_limits
