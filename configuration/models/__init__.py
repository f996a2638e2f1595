from .change import ConfigurationChange
from .configuration import Configuration

__all__ = ["Configuration", "ConfigurationChange"]
