"""The API: its components, documentation, health checks and rate limits."""

from __future__ import annotations

from core import env, legacy_clients

from .base import LEGACY_CLIENTS

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "accounts.permissions.KeyHasScope",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["core.api.rate_limits.RateLimitThrottle"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["core.api.json_renderer.QuickJSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.EnvelopePagination",
    "DEFAULT_FILTER_BACKENDS": ["core.api.filters.FilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "core.api.openapi.DocstringSchema",
    "DEFAULT_METADATA_CLASS": "core.api.metadata.AllowedMethodsMetadata",
    "EXCEPTION_HANDLER": "core.api.exception_handler.problem_response",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

# Bytes. A view that accepts larger bodies has `max_body_bytes`.
MAX_BODY_BYTES = env.integer(
    "OPENMEMORY_MAX_BODY_BYTES", 1024 * 1024, minimum=1024, maximum=1024**3
)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# Of one account: its own user and their end users are rows of one table.
MAX_END_USERS = env.integer("OPENMEMORY_MAX_END_USERS", 100_000, minimum=0, maximum=10_000_000)

# Whether programs may describe themselves by a document, which the server then fetches.
OAUTH_DOCUMENTS = env.boolean("OPENMEMORY_OAUTH_DOCUMENTS", default=True)
# `host:port` of documents about programs that may be fetched though they are on a private network.
OAUTH_PRIVATE_HOSTS = env.strings("OPENMEMORY_OAUTH_PRIVATE_HOSTS", [])

# Memories of several users that one search of Mem0's API compares: all of them, without an index.
MEM0_SEARCH_LIMIT = env.integer(
    "OPENMEMORY_MEM0_SEARCH_LIMIT", 50_000, minimum=100, maximum=10_000_000
)

# Hosts of private addresses that webhooks may lead to.
MEM0_PRIVATE_WEBHOOK_HOSTS = [
    host.lower() for host in env.strings("OPENMEMORY_MEM0_PRIVATE_WEBHOOK_HOSTS", [])
]

# CORS credentials stay off: no cookie authenticates the API, and the Authorization header does not
# need them.
CORS_URLS_REGEX = r"^/+(api|mcp|v[123]|\.well-known|oauth/(register|token|revoke))(/|$)"
# If clients need no key, only the origin protects the API, so that it must be restricted.
CORS_ALLOWED_ORIGINS = env.strings(
    "CORS_ALLOWED_ORIGINS", legacy_clients.ORIGINS if LEGACY_CLIENTS else []
)
CORS_ALLOW_ALL_ORIGINS = not CORS_ALLOWED_ORIGINS
CORS_ALLOW_METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
# The wildcard does not include Authorization, and old browsers do not support it.
CORS_ALLOW_HEADERS = [
    "*",
    "authorization",
    "content-type",
    "if-match",
    "if-none-match",
    "idempotency-key",
    "prefer",
    "x-request-id",
]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]

SPECTACULAR_SETTINGS: dict[str, object] = {
    "TITLE": "OpenMemory",
    "DESCRIPTION": (
        "A self-hosted memory server for AI agents. All endpoints except this schema need "
        "`Authorization: Bearer <key>`. All errors have the format of RFC 9457."
    ),
    "VERSION": "1",
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Requests and responses differ: defaults, read-only fields, blank values.
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "MemoryStateEnum": "memories.models.State",
        "ShownStateEnum": "memories.models.state.SHOWN_STATES",
        "LlmProviderEnum": "configuration.catalog.LLM_PROVIDERS",
        "EmbedderProviderEnum": "configuration.catalog.EMBEDDER_PROVIDERS",
        "VectorStoreProviderEnum": "configuration.serializers.VECTOR_STORES",
    },
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.openapi.describe_tags",
    ],
}

# Checks of readiness: callables that raise an error.
HEALTH_CHECKS = {
    "database": "core.api.health.database",
    "migrations": "core.api.health.migrations",
    "broker": "core.api.health.broker",
    "disk": "core.api.health.free_space",
    "embedder": "memories.readiness.check_embedder",
}

# Reads and writes count per key, or per address without one. Failed keys, sign-ins and
# registrations of programs count per address.
RATE_LIMITS = {
    "reads": env.rate("OPENMEMORY_RATE_READS", "6000/m"),
    "writes": env.rate("OPENMEMORY_RATE_WRITES", "1200/m"),
    "failed_keys": env.rate("OPENMEMORY_RATE_FAILED_KEYS", "60/m"),
    # A password can be guessed, unlike a key.
    "sign_ins": env.rate("OPENMEMORY_RATE_SIGN_INS", "10/m"),
    # Anybody may introduce a program.
    "registrations": env.rate("OPENMEMORY_RATE_REGISTRATIONS", "30/m"),
}
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_FAIL_OPEN = True
