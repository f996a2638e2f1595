"""What the front page of the admin answers at a glance, in a bounded time however much is kept."""

from .page import front_page

__all__ = ["front_page"]
