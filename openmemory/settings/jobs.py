"""Background jobs: workers, queues, schedules, and how long data is kept."""

from core import connection_urls, env
from embedded import state_folder

from .backups import BACKUP_FOLDER
from .base import STATE_DIR
from .services import REDIS_URL

# A run without a heartbeat for this long is presumed dead. Running jobs send one every second.
JOBS_LEASE_SECONDS = env.integer("OPENMEMORY_JOBS_LEASE_SECONDS", 30, minimum=2, maximum=3600)
# The interval of the sweep for abandoned jobs.
JOBS_SWEEP_SECONDS = env.integer("OPENMEMORY_JOBS_SWEEP_SECONDS", 10, minimum=1, maximum=3600)
JOBS_KEEP_DAYS = env.integer("OPENMEMORY_JOBS_KEEP_DAYS", 30, minimum=1, maximum=36500)
DOWNLOADS_KEEP_HOURS = env.integer("OPENMEMORY_DOWNLOADS_KEEP_HOURS", 24, minimum=1, maximum=876000)

# The interval of housekeeping. Its last job tells when the next one is due, and jobs may be kept
# for one day only, so it is a day at most.
HOUSEKEEPING_HOURS = env.integer("OPENMEMORY_HOUSEKEEPING_HOURS", 24, minimum=1, maximum=24)

# Days until housekeeping purges deleted memories and prunes the access log. 0 keeps them for ever.
DELETED_KEEP_DAYS = env.integer("OPENMEMORY_DELETED_KEEP_DAYS", 30, minimum=0, maximum=36_500)
ACCESSES_KEEP_DAYS = env.integer("OPENMEMORY_ACCESSES_KEEP_DAYS", 0, minimum=0, maximum=36_500)

# Long jobs have their own workers, so that quick jobs do not wait for them. They run at a low
# priority, which leaves the processors to requests.
JOBS_QUEUES = {"quick": "openmemory.quick", "long": "openmemory.long"}
WORKERS = {  # concurrent jobs per worker: quick jobs in threads, long jobs in processes
    "quick": env.integer("OPENMEMORY_QUICK_JOBS_AT_ONCE", 4, minimum=1, maximum=256),
    "long": env.integer("OPENMEMORY_LONG_JOBS_AT_ONCE", 1, minimum=1, maximum=256),
}
JOBS_TIME_LIMITS = {  # seconds per run
    "quick": env.integer("OPENMEMORY_QUICK_JOB_SECONDS", 600, minimum=10, maximum=86_400),
    "long": env.integer("OPENMEMORY_LONG_JOB_SECONDS", 86_400, minimum=60, maximum=2_592_000),
}
# A process that uses more memory is replaced.
WORKER_MEGABYTES = env.integer("OPENMEMORY_WORKER_MEGABYTES", 768, minimum=128, maximum=1_000_000)
LONG_JOBS_NICENESS = env.integer("OPENMEMORY_LONG_JOBS_NICENESS", 10, minimum=0, maximum=19)

# Whether workers for quick jobs also send the periodic tasks. Disable it if a separate process does
# so: `server.worker beat`.
QUICK_WORKERS_BEAT = env.boolean("OPENMEMORY_QUICK_WORKERS_BEAT", True)

# The broker: RabbitMQ, Redis or Valkey; the one of the cache by default.
CELERY_APP = "openmemory.celery.app"
_broker = env.secret("CELERY_BROKER_URL") or REDIS_URL
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL, CELERY_BROKER_TRANSPORT_OPTIONS = (
    connection_urls.parse_broker_url(
        _broker or state_folder.broker_url(STATE_DIR), is_own=not _broker
    )
)
# Periodic tasks. Sending them twice does no harm.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": JOBS_SWEEP_SECONDS,
        "options": {"expires": JOBS_SWEEP_SECONDS},
    },
    "tell of expired": {
        "task": "mem0.tell_of_expired",
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

# `jobs` stores the uploads and downloads of jobs.
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
