"""Check that an operator has a key, and which keys expire soon."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from core.checks import Findings, check, format_list, ok, warning
from core.quantities import with_noun

from .models import ApiKey, User

SOON = timedelta(days=14)
# A key unused for longer is not reported.
IN_USE = timedelta(days=30)


@check("accounts.operators")
def operators() -> Findings:
    live = Q(api_keys__revoked_at=None) & (
        Q(api_keys__expires_at=None) | Q(api_keys__expires_at__gt=timezone.now())
    )
    unlimited = Q(api_keys__app_name="", api_keys__names_end_users=False, api_keys__is_pinned=False)
    operators = User.objects.filter(live & unlimited, is_staff=True, is_active=True)
    if number := operators.distinct().count():
        yield ok(f"{number} operators have a working key.")
    else:
        yield warning(
            "No operator has a working key.",
            "Create one: manage.py create_api_key USER --create-user --operator",
        )


@check("accounts.keys")
def keys() -> Findings:
    now = timezone.now()
    expiring = ApiKey.objects.filter(
        revoked_at=None,
        renewable_until=None,  # programs renew those of their connections themselves
        user__is_active=True,
        expires_at__range=(now, now + SOON),
        last_used_at__gt=now - IN_USE,
    ).select_related("user")
    labels = [
        f"{key} of {key.user} ({key.expires_at:%Y-%m-%d})"
        for key in expiring.order_by("expires_at")
    ]
    if labels:
        yield warning(
            f"{with_noun(len(labels), 'key in use expires', 'keys in use expire')} within "
            f"{SOON.days} days: {format_list(labels)}.",
            "Create replacements: manage.py create_api_key USER",
        )
    else:
        yield ok(f"No key in use expires within {SOON.days} days.")
