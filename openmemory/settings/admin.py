"""The admin: its path, sessions and theme."""

from __future__ import annotations

# Only the admin has sessions, and browsers send their cookies to no other path.
ADMIN_PATH = "/admin"
SESSION_COOKIE_NAME = "openmemory_session"
SESSION_COOKIE_PATH = ADMIN_PATH
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "openmemory_csrf"
CSRF_COOKIE_PATH = ADMIN_PATH
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("user_id", "name", "email")},
    },
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Time limit for one statement of a list or search. Listing everything needs far less.
ADMIN_STATEMENT_SECONDS = 5

FORMAT_MODULE_PATH = "core.formats"


def _icon_url(request: object) -> str:
    from django.templatetags.static import static  # the supervisor needs no templates

    return static("core/icon.svg")


def _style_url(request: object) -> str:
    from django.templatetags.static import static

    return static("core/admin.css")


def _script_url(request: object) -> str:
    from django.templatetags.static import static

    return static("core/admin.js")


UNFOLD: dict[str, object] = {
    "SITE_TITLE": "OpenMemory",
    "SITE_HEADER": "OpenMemory",
    "SITE_SUBHEADER": "for operators",
    "SITE_URL": None,
    "SITE_ICON": _icon_url,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _icon_url}],
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "STYLES": [_style_url],
    "SCRIPTS": [_script_url],
    "COMMAND": {"search_callback": "operators.command_search.find_objects"},
    "SIDEBAR": {"show_search": True},
    "DASHBOARD_CALLBACK": "operators.dashboard.dashboard_callback",
    # The teal of the icon. 600 has enough contrast for white text.
    "COLORS": {
        "primary": {
            "50": "oklch(97.6% .013 196)",
            "100": "oklch(94.6% .031 196)",
            "200": "oklch(89.4% .055 197)",
            "300": "oklch(82.2% .083 198)",
            "400": "oklch(74.5% .102 199)",
            "500": "oklch(64.5% .101 201)",
            "600": "oklch(50.5% .085 205)",
            "700": "oklch(44.5% .073 208)",
            "800": "oklch(38.6% .060 211)",
            "900": "oklch(33.4% .049 214)",
            "950": "oklch(24.2% .038 218)",
        },
    },
}
