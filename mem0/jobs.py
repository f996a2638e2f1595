"""The job types of Mem0's API, registered by importing them."""

from .webhook_outbox import deliver

__all__ = ["deliver"]
