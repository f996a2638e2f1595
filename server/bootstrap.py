"""The first step of every program of the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def report_invalid_settings() -> Iterator[None]:
    """Exit with a message if the settings are invalid."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"Invalid settings: {error}")
