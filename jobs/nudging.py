"""Telling the workers that there is something to do."""

from __future__ import annotations

from .kinds import Lane


def nudge(lane: Lane) -> None:
    """Wake a worker. It may come to nothing: the database knows what is to be done."""
