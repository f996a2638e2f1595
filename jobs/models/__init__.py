from .job import Job, JobError, JobFinished, JobNotFound, State

__all__ = ["Job", "JobError", "JobFinished", "JobNotFound", "State"]
