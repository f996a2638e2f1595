"""What the front page of the admin answers at a glance, in a bounded time however much is kept."""

from .page import dashboard_callback

__all__ = ["dashboard_callback"]
