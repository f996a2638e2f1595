"""The terms of a memory: until when it is kept, when it is valid, and whether it can be edited."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.db import models

from core import clock
from core.errors import Malformed


class NeverValid(Malformed):
    """`valid_until` must be later than `valid_from`."""

    code = "never_valid"


@dataclass(frozen=True)
class Terms:
    """When a memory expires, when what it says is valid, and whether it can be edited.

    It is valid from `valid_from` until, but not at, `valid_until`; without one, for all time before
    or after.
    """

    expires_at: datetime | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    immutable: bool = False

    def require_order(self) -> None:
        """Raises NeverValid."""
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise NeverValid(field="valid_until")


TERMS = tuple(field.name for field in fields(Terms))


class WithTerms(models.Model):
    """A model with the terms of a memory."""

    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From then on it is shown nowhere, and will be purged."
    )
    valid_from = models.DateTimeField(
        null=True, blank=True, help_text="What it says is true from then on."
    )
    valid_until = models.DateTimeField(
        null=True, blank=True, help_text="What it says is true until then, and no longer then."
    )
    immutable = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether it can be neither edited nor superseded.",
    )

    class Meta:
        abstract = True

    @property
    def terms(self) -> Terms:
        return Terms(**{name: getattr(self, name) for name in TERMS})

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= clock.now()


def show_terms(terms: dict[str, Any]) -> dict[str, Any]:
    """Show some terms by name: times in seconds since 1970."""
    return {
        name: int(value.timestamp()) if isinstance(value, datetime) else value
        for name, value in terms.items()
    }
