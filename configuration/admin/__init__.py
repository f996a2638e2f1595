from .configuration_page import ConfigurationPage

__all__ = ["ConfigurationPage"]
