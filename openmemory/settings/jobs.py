"""What is done in the background: by whom, how often, for how long."""

from core import connection_urls, env
from embedded import state

from .backups import BACKUP_FOLDER
from .base import STATE_DIR
from .services import REDIS_URL

# How long a run that is silent is believed to live; running jobs are heard from every second.
JOBS_LEASE_SECONDS = env.integer("OPENMEMORY_JOBS_LEASE_SECONDS", 30, minimum=2, maximum=3600)
# How often it is looked for what was left lying.
JOBS_SWEEP_SECONDS = env.integer("OPENMEMORY_JOBS_SWEEP_SECONDS", 10, minimum=1, maximum=3600)
JOBS_KEEP_DAYS = env.integer("OPENMEMORY_JOBS_KEEP_DAYS", 30, minimum=1, maximum=36500)
DOWNLOADS_KEEP_HOURS = env.integer("OPENMEMORY_DOWNLOADS_KEEP_HOURS", 24, minimum=1, maximum=876000)

# Long jobs have workers of their own, so that quick ones do not wait for them, and leave the
# processors to whoever waits for an answer.
JOBS_QUEUES = {"quick": "openmemory.quick", "long": "openmemory.long"}
WORKERS = {  # jobs that one worker runs at once: quick ones in threads, long ones in processes
    "quick": env.integer("OPENMEMORY_QUICK_JOBS_AT_ONCE", 4, minimum=1, maximum=256),
    "long": env.integer("OPENMEMORY_LONG_JOBS_AT_ONCE", 1, minimum=1, maximum=256),
}
JOBS_TIME_LIMITS = {  # seconds that a run may take
    "quick": env.integer("OPENMEMORY_QUICK_JOB_SECONDS", 600, minimum=10, maximum=86_400),
    "long": env.integer("OPENMEMORY_LONG_JOB_SECONDS", 86_400, minimum=60, maximum=2_592_000),
}
# A process that has grown larger is replaced by a new one.
WORKER_MEGABYTES = env.integer("OPENMEMORY_WORKER_MEGABYTES", 768, minimum=128, maximum=1_000_000)
LONG_JOBS_NICENESS = env.integer("OPENMEMORY_LONG_JOBS_NICENESS", 10, minimum=0, maximum=19)

# Whether workers for quick jobs also send what is to be done from time to time. Not where a process
# of its own does: `server.worker beat`.
QUICK_WORKERS_BEAT = env.boolean("OPENMEMORY_QUICK_WORKERS_BEAT", True)

# The broker: Redis or Valkey, by default the one of the cache, or RabbitMQ.
CELERY_APP = "openmemory.celery.app"
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL, CELERY_BROKER_TRANSPORT_OPTIONS = (
    connection_urls.parse_broker_url(
        env.secret("CELERY_BROKER_URL") or REDIS_URL or state.broker_url(STATE_DIR)
    )
)
# What is done from time to time. Two that send it do no harm.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": JOBS_SWEEP_SECONDS,
        "options": {"expires": JOBS_SWEEP_SECONDS},
    },
    "end old jobs": {"task": "jobs.end_old", "schedule": 3600, "options": {"expires": 3600}},
    "keep house": {"task": "operators.queue_due", "schedule": 600, "options": {"expires": 600}},
}
if BACKUP_FOLDER:
    CELERY_BEAT_SCHEDULE["back up"] = {
        "task": "backups.queue_due", "schedule": 60, "options": {"expires": 60}
    }  # fmt: skip

# The files of jobs, what was uploaded and what is to be downloaded, are kept in `jobs`.
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "jobs": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": STATE_DIR / "jobs",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}
