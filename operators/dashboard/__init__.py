"""The dashboard of the admin. Its queries take bounded time, however many memories there are."""

from .page import dashboard_callback

__all__ = ["dashboard_callback"]
