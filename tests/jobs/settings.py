"""The server's settings, with jobs of the tests' own, whose traces can be counted."""

from openmemory.settings import *  # noqa: F403
from openmemory.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobs.effects"]
ROOT_URLCONF = "tests.jobs.effects.urls"
