"""The job types of Mem0's API, registered by importing them."""

from .export_job import run_export
from .profile_job import make_profiles
from .webhook_outbox import deliver

__all__ = ["deliver", "make_profiles", "run_export"]
