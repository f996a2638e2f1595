from __future__ import annotations

from django.db import models


class State(models.TextChoices):
    ACTIVE = "active"
    PAUSED = "paused"
    ARCHIVED = "archived"
    DELETED = "deleted"


# What is shown instead of the state of a memory whose `expires_at` has passed.
EXPIRED = "expired"
SHOWN_STATES = [*State.values, EXPIRED]

# The states of memories in use; the others are archived or deleted.
LIVE = [State.ACTIVE, State.PAUSED]
