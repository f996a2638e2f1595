"""What holds where others reach the server. Why so: docs/decisions/0019-exposed-servers.md."""

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

# A browser sends the cookies of the admin over HTTPS alone, and asks for nothing else for a month.
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if _https else 0
# Pages of the admin that were asked for under this address may send forms, whatever the proxy
# makes of the Host header.
CSRF_TRUSTED_ORIGINS = [PUBLIC_ADDRESS.origin] if PUBLIC_ADDRESS else []
# A proxy of ours is believed what it says of the scheme: it has to overwrite what a client sent.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None

SILENCED_SYSTEM_CHECKS = [
    # Forms are protected where there are some, in the admin, by a middleware made of that one. The
    # API takes no cookie.
    "security.W003",
    "security.W005",  # the other names below the server's are not ours to bind to HTTPS
    "security.W021",  # nor is it ours to put the name on the list that browsers are shipped with
    # The proxy redirects. A redirect of ours would come after a key was sent in the clear, and
    # would catch the probes and the programs that ask from inside.
    "security.W008",
]
