"""Django's apps, middleware and templates."""

INSTALLED_APPS = [
    "core",
    "server",
    "accounts",
    "oauth",
    "apps_registry",
    "configuration",
    "jobs",
    "memories",
    "backups",
    "stats",
    "agents",
    "mem0",
    "importers",
    "operators",
    "pages",
    # Before the admin, whose templates and styles it overrides.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "core.admin.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]

MIDDLEWARE = [
    "core.api.middleware.RequestIdMiddleware",
    "mem0.plain_errors.PlainErrors",
    "core.observability.middleware.ObservabilityMiddleware",
    "core.api.middleware.AccessLogMiddleware",
    # Before those that answer themselves: their answers have these headers, too.
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.api.security_headers.SecurityHeadersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "core.api.rate_limits.RateLimitMiddleware",
    "oauth.challenge.ChallengeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "core.api.etags.EntityTagMiddleware",
    "core.admin.middleware.AdminPages",
    "core.api.middleware.AddressMiddleware",
    "core.api.middleware.BodyLimitMiddleware",
    "backups.upload_handler.UploadMiddleware",
    "core.admin.middleware.AdminSessions",
    "core.admin.middleware.AdminCsrf",
    "core.admin.middleware.AdminAuthentication",
    "core.admin.middleware.AdminMessages",
]

ROOT_URLCONF = "openmemory.urls"
WSGI_APPLICATION = "openmemory.wsgi.application"
APPEND_SLASH = False  # a redirect would drop the body of a POST: both forms are routed

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

FILE_UPLOAD_HANDLERS = ["backups.upload_handler.ScratchUploadHandler"]

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # serves the few static files without `collectstatic`
WHITENOISE_AUTOREFRESH = False

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"

USE_TZ = True
TIME_ZONE = "UTC"
# Of a person's pages, which choose one for each request. All else speaks English.
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
