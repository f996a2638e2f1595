from . import dry_run  # noqa: F401 - registers its page
from .backups_page import BackupsPage

__all__ = ["BackupsPage"]
