"""What concerns no app alone: the software, the database as such, this machine, the settings."""

from . import database, machine, overdue, software

__all__ = ["database", "machine", "overdue", "software"]
