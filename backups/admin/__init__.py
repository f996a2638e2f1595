from .backups_page import BackupsPage

__all__ = ["BackupsPage"]
