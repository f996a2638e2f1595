"""What concerns no app alone: the software, the database as such, this machine, the settings."""

from . import database, housekept, machine, software

__all__ = ["database", "housekept", "machine", "software"]
