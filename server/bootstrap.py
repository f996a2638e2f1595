"""What each program of the server begins with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured


@contextmanager
def explained() -> Iterator[None]:
    """End the program with a sentence when its settings are wrong."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openmemory.settings")
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"The settings are wrong: {error}")
