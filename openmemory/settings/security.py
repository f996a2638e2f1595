"""Security of exposed servers. Rationale: docs/decisions/0019-exposed-servers.md."""

from __future__ import annotations

from core import env
from core.exposure import RISKS, Exposure

from .base import (
    ALLOWED_HOSTS,
    DEBUG,
    HOST,
    PUBLIC_ADDRESS,
    SECRET_IS_LOCAL,
    SECRET_KEY,
    TRUSTED_PROXIES,
)
from .services import DATABASE_URL

Exposure(
    host=HOST,
    proxies=TRUSTED_PROXIES,
    public=PUBLIC_ADDRESS,
    debug=DEBUG,
    allowed_hosts=ALLOWED_HOSTS,
    secret_key=SECRET_KEY,
    secret_is_local=SECRET_IS_LOCAL and bool(DATABASE_URL),
).ensure_safe(env.choices("OPENMEMORY_ALLOW_INSECURE", among=RISKS))

_https = PUBLIC_ADDRESS is not None and PUBLIC_ADDRESS.is_https

# Behind HTTPS, browsers send the admin's cookies over HTTPS only, and use HTTPS for a month.
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if _https else 0
# Accept forms from the admin's pages at this URL, even if the proxy changes the Host header.
CSRF_TRUSTED_ORIGINS = [PUBLIC_ADDRESS.origin] if PUBLIC_ADDRESS else []
# Trust the scheme that our own proxy reports. The proxy must overwrite the client's header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

SILENCED_SYSTEM_CHECKS = [
    # A subclass of the CSRF middleware protects the forms of the admin. The API uses no cookies.
    "security.W003",
    "security.W005",  # whether subdomains use HTTPS is not this server's decision
    "security.W021",  # nor is the preload list of browsers
    # The proxy redirects to HTTPS. A redirect here would come after a key was sent in the clear,
    # and would break health probes and internal clients.
    "security.W008",
]
