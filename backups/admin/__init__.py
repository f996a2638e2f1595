from . import import_trial  # noqa: F401 - registers its page
from .backups_page import BackupsPage

__all__ = ["BackupsPage"]
