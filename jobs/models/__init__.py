from .job import Job, JobFinished, JobNotFound, State

__all__ = ["Job", "JobFinished", "JobNotFound", "State"]
