"""Settings of the whole project. Every variable that changes one is read here, and nowhere else."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from openmemory import connection_urls, env, legacy
from openmemory.embedded import state

BASE_DIR = Path(__file__).resolve().parent.parent

VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

# Everything the server keeps on this machine, and nothing outside of it: 0700.
STATE_DIR = Path(env.string("OPENMEMORY_STATE_DIR", str(BASE_DIR / "var"))).resolve()

DEBUG = env.boolean("OPENMEMORY_DEBUG", False)
SECRET_KEY = env.string("OPENMEMORY_SECRET_KEY") or state.secret_key(STATE_DIR)

HOST = env.string("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
ALLOWED_HOSTS = env.strings(
    "OPENMEMORY_ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]", "testserver", HOST]
)

# How many proxies of one's own stand before the server: whose entries in X-Forwarded-For are true.
TRUSTED_PROXIES = env.integer("OPENMEMORY_TRUSTED_PROXIES", 0, minimum=0, maximum=16)

# The user that `make run` makes, and whose key it prints.
DEFAULT_USER = env.string("USER", "default_user")

# For the original's own page: who sends no key acts as the default user.
LEGACY_CLIENTS = legacy.allowed(
    env.choice("OPENMEMORY_LEGACY_CLIENTS", "0", among=["0", "1", "force"]),
    host=HOST,
    allowed_hosts=ALLOWED_HOSTS,
    proxies=TRUSTED_PROXIES,
)

INSTALLED_APPS = [
    "openmemory",
    "accounts",
    "apps_registry",
    "configuration",
    "jobs",
    "memories",
    "backups",
    "stats",
    "agents",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    "openmemory.api.middleware.RequestId",
    "openmemory.api.middleware.AccessLog",
    "corsheaders.middleware.CorsMiddleware",
    "openmemory.api.limits.RateLimits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "openmemory.api.middleware.ReadableAddress",
    "openmemory.api.middleware.BoundedBody",
]

ROOT_URLCONF = "openmemory.urls"
WSGI_APPLICATION = "openmemory.wsgi.application"
APPEND_SLASH = False  # a redirect would drop the body of a POST: both spellings are routed

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # a handful of files of three packages: nothing to collect first
WHITENOISE_AUTOREFRESH = False

# --- Services ------------------------------------------------------------------------------

# Python runs one thread of a process at a time: with two processes, two cores remember 1.4 times
# as many memories a second as with one. Each has a copy of the model. Threads are made on demand,
# and are many because a client that sends its body slowly holds one meanwhile; it holds no
# connection to the database.
WEB_PROCESSES = env.integer("OPENMEMORY_WEB_PROCESSES", 2, minimum=1, maximum=64)
WEB_THREADS = env.integer("OPENMEMORY_WEB_THREADS", 64, minimum=1, maximum=1024)

# Agents that speak the oldest protocol keep a stream open, which holds a thread: a process has so
# many threads more, and refuses more streams.
AGENT_STREAMS = env.integer("OPENMEMORY_AGENT_STREAMS", 64, minimum=1, maximum=1024)

# Connections to the database that one process opens at most. The others wait for one. With 0,
# each thread has its own, as workers do it.
DATABASE_POOL = env.integer("OPENMEMORY_DATABASE_POOL", 20, minimum=0, maximum=1000)

DATABASE_URL = env.string("DATABASE_URL")
REDIS_URL = env.string("REDIS_URL")

_database = connection_urls.database(DATABASE_URL) if DATABASE_URL else state.database(STATE_DIR)
_pool = {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 10} if DATABASE_POOL else False

DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django.db.backends.postgresql",
        # A database that was started again costs no request: its old connections are replaced.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_database["OPTIONS"], "pool": _pool},
    }
}

CACHES: dict[str, dict[str, object]] = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": connection_urls.redis(REDIS_URL or state.broker_url(STATE_DIR)),
        "KEY_PREFIX": "openmemory",
    }
}
# The same one, for counting: it holds up no request when it is away.
CACHES["limits"] = {**CACHES["default"], "BACKEND": "openmemory.api.counters.Counters"}
# What is known of providers that are down. It is not waited for either.
CACHES["circuits"] = {
    **CACHES["default"],
    "OPTIONS": {"socket_timeout": 0.25, "socket_connect_timeout": 0.25},
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Users ---------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"

# --- Time and language ---------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# --- The API -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.permissions.KeyHasScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["openmemory.api.limits.Limit"],
    "DEFAULT_PARSER_CLASSES": ["openmemory.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "openmemory.api.pagination.Pages",
    "DEFAULT_FILTER_BACKENDS": ["openmemory.api.filtering.Filters"],
    "DEFAULT_SCHEMA_CLASS": "openmemory.api.schema.DocstringSchema",
    "DEFAULT_METADATA_CLASS": "openmemory.api.metadata.AllowedMethods",
    "EXCEPTION_HANDLER": "openmemory.api.errors.problem_response",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Bodies of the API, bytes. A view that takes more has `max_body_bytes`.
MAX_BODY_BYTES = env.integer(
    "OPENMEMORY_MAX_BODY_BYTES", 1024 * 1024, minimum=1024, maximum=1024**3
)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Credentials are not allowed: a cookie never authenticates a call of the API, and a key in the
# Authorization header needs no permission of that kind.
CORS_URLS_REGEX = r"^/(api|mcp)(/|$)"
# Where no key is needed, the page that calls is what is let in or not: then not any.
CORS_ALLOWED_ORIGINS = env.strings("CORS_ALLOWED_ORIGINS", legacy.ORIGINS if LEGACY_CLIENTS else [])
CORS_ALLOW_ALL_ORIGINS = not CORS_ALLOWED_ORIGINS
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
# The star stands for every header but Authorization, and old browsers do not know it.
CORS_ALLOW_HEADERS = ["*", "authorization", "content-type", "prefer", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]

SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "OpenMemory",
    "DESCRIPTION": (
        "A memory server for people who run AI agents themselves. Every call but this schema "
        "needs `Authorization: Bearer <key>`. Every error is a problem as of RFC 9457."
    ),
    "VERSION": "1",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # What is sent and what is answered differ: defaults, fields that are only read, blanks.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "MemoryStateEnum": "memories.models.State",
        "LlmProviderEnum": "configuration.providers.known.LLM_PROVIDERS",
        "EmbedderProviderEnum": "configuration.providers.known.EMBEDDER_PROVIDERS",
        "VectorStoreProviderEnum": "configuration.serializers.VECTOR_STORES",
    },
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "openmemory.api.schema.describe_tags",
    ],
}

# What has to work before this process is sent requests: callables that raise when it does not.
HEALTH_CHECKS = {
    "database": "openmemory.api.health.database",
    "broker": "openmemory.api.health.broker",
    "embedder": "memories.readiness.embedder",
}

# --- Rate limits ---------------------------------------------------------------------------

# How often a key may call, or an address without one; and how often an address may fail to
# show a good key.
RATE_LIMITS = {
    "reads": env.rate("OPENMEMORY_RATE_READS", "6000/m"),
    "writes": env.rate("OPENMEMORY_RATE_WRITES", "1200/m"),
    "failed_keys": env.rate("OPENMEMORY_RATE_FAILED_KEYS", "60/m"),
}
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_FAIL_OPEN = True

# --- Categories ----------------------------------------------------------------------------

# The categories that memories are put into; none stands for those of memories/taxonomy.py. The
# database takes names of this length. All are told to the language model in each call.
CATEGORIES = env.names("OPENMEMORY_CATEGORIES", most=100, longest=100)

# --- Recall --------------------------------------------------------------------------------

# Memories of one user up to which a search compares all vectors exactly; above it, a job gives the
# user an index of their own.
EXACT_SEARCH_LIMIT = env.integer(
    "OPENMEMORY_EXACT_SEARCH_LIMIT", 20_000, minimum=100, maximum=10_000_000
)

# Seconds for which a search waits for an embedding model that is asked over the network. Then it
# answers by words alone.
SEARCH_EMBEDDING_SECONDS = env.integer(
    "OPENMEMORY_SEARCH_EMBEDDING_SECONDS", 3, minimum=1, maximum=60
)

# Whether another embedding model that is chosen over the API waits, once all memories are embedded
# by it, for `manage.py reembed`.
REEMBED_HOLD = env.boolean("OPENMEMORY_REEMBED_HOLD", False)

# --- Backups -------------------------------------------------------------------------------

# An archive that is sent, in bytes; what it may unpack to, and how many times its own size. Texts
# shrink to a third or a tenth, so what grows much further was made to do harm.
IMPORT_MAX_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_BYTES", 4 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_UNPACKED_BYTES = env.integer(
    "OPENMEMORY_IMPORT_MAX_UNPACKED_BYTES", 16 * 1024**3, minimum=1024, maximum=1024**4
)
IMPORT_MAX_RATIO = env.integer("OPENMEMORY_IMPORT_MAX_RATIO", 200, minimum=2, maximum=2000)

# Where everybody is backed up to from time to time, if anywhere; how often, and how many archives
# of each user are kept.
BACKUP_FOLDER = env.folder("OPENMEMORY_BACKUP_FOLDER")
BACKUP_EVERY_HOURS = env.integer("OPENMEMORY_BACKUP_EVERY_HOURS", 24, minimum=1, maximum=8760)
BACKUP_KEEP = env.integer("OPENMEMORY_BACKUP_KEEP", 7, minimum=1, maximum=10_000)

# --- Configuration -------------------------------------------------------------------------

# Which models are used as long as no operator chooses others: see configuration/defaults.py.
# A key is not read here: it is a reference to LLM_API_KEY, EMBEDDER_API_KEY or to the provider's
# own variable, such as OPENAI_API_KEY, and is resolved when it is used.
MODEL_DEFAULTS = {
    "llm": {
        "provider": env.string("LLM_PROVIDER", "local"),
        "model": env.string("LLM_MODEL"),
        "base_url": env.string("LLM_BASE_URL"),
    },
    "embedder": {
        "provider": env.string("EMBEDDER_PROVIDER", "local"),
        "model": env.string("EMBEDDER_MODEL"),
        "base_url": env.string("EMBEDDER_BASE_URL"),
    },
}
OLLAMA_BASE_URL = env.string("OLLAMA_BASE_URL")

# Seconds for a model to answer, with what it is asked again included.
LLM_TIMEOUT = env.integer("OPENMEMORY_LLM_TIMEOUT", 60, minimum=1, maximum=3600)
EMBEDDER_TIMEOUT = env.integer("OPENMEMORY_EMBEDDER_TIMEOUT", 30, minimum=1, maximum=3600)

# What SECRET_KEY was before: providers' keys that were encrypted with it can still be read.
SECRET_KEY_FALLBACKS = env.strings("OPENMEMORY_SECRET_KEY_FALLBACKS", [])

# --- Jobs ----------------------------------------------------------------------------------

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

# The broker: Redis or Valkey, by default the one of the cache, or RabbitMQ.
CELERY_APP = "openmemory.celery.app"
CELERY_BROKER_URL, CELERY_BROKER_USE_SSL, CELERY_BROKER_TRANSPORT_OPTIONS = connection_urls.broker(
    env.string("CELERY_BROKER_URL") or REDIS_URL or state.broker_url(STATE_DIR)
)
# What is done from time to time. Two that send it do no harm.
CELERY_BEAT_SCHEDULE = {
    "sweep": {
        "task": "jobs.sweep",
        "schedule": JOBS_SWEEP_SECONDS,
        "options": {"expires": JOBS_SWEEP_SECONDS},
    },
    "end old jobs": {"task": "jobs.end_old", "schedule": 3600, "options": {"expires": 3600}},
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

# --- Logs ----------------------------------------------------------------------------------

LOG_LEVEL = env.choice("OPENMEMORY_LOG_LEVEL", "INFO", among=["DEBUG", "INFO", "WARNING", "ERROR"])
LOG_FORMAT = env.choice("OPENMEMORY_LOG_FORMAT", "auto", among=["auto", "text", "json"])
LOGGING_CONFIG = "openmemory.logs.configure"
LOGGING = {"level": LOG_LEVEL, "format": LOG_FORMAT}

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # callers run in parallel already
