"""Checks that belong to no single app: software, database, machine, settings."""

from . import database, machine, overdue, software

__all__ = ["database", "machine", "overdue", "software"]
