from core.errors import OpenMemoryError


class ServiceFailed(OpenMemoryError):
    """An embedded service did not start."""

    code = "service_failed"


class AlreadyRunning(OpenMemoryError):
    """The server is already running."""

    code = "already_running"
