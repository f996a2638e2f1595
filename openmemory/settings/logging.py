"""Level and format of the log."""

from core import env

LOG_LEVEL = env.choice("OPENMEMORY_LOG_LEVEL", "INFO", among=["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = env.choice("OPENMEMORY_LOG_FORMAT", "auto", among=["auto", "text", "json"])
LOGGING_CONFIG = "core.logs.configure"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}
