from .page import BackupsPage

__all__ = ["BackupsPage"]
