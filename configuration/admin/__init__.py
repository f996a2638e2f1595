from .page import ConfigurationPage

__all__ = ["ConfigurationPage"]
