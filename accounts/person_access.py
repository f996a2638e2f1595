"""Sign persons in and out of their pages. Sessions of staff in the admin are Django's own."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from embedded.ownership import Ownership

from .models import PersonSession, SignInLink, User

# Longer ones would only take time to hash.
MAX_PASSWORD = 4096


def find_person(request: HttpRequest, *, user_id: str, password: str) -> User | None:
    """Return the active user with this id and password.

    It takes as long for an unknown user, and for one without a password, as for a wrong password.
    """
    user = authenticate(request, username=user_id, password=password[:MAX_PASSWORD])
    return user if isinstance(user, User) else None


def sign_out_everywhere(user: User) -> int:
    """End all sessions of a person, and void their links. Returns how many sessions there were."""
    with transaction.atomic():
        SignInLink.objects.filter(user=user).delete()
        return PersonSession.objects.filter(user=user).delete()[0]


def set_password(user: User, password: str, *, session: PersonSession) -> None:
    """Change the password of a person. Only this session goes on, and no link works any more."""
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password", "updated_at"])
        SignInLink.objects.filter(user=user).delete()
        PersonSession.objects.filter(user=user).exclude(pk=session.pk).delete()
        session.user = user
        session.renew_credential()


def running_url() -> str:
    """The address at which the server of this machine runs, or ran last; empty if unknown.

    A command is seldom given the PORT with which the server was started.
    """
    owner = None if settings.DATABASE_URL else Ownership(settings.STATE_DIR).owner()
    return owner.address.rstrip("/") if owner else ""


def server_url() -> str:
    """The address by which browsers reach this server."""
    if public := settings.PUBLIC_ADDRESS:
        return str(public.origin)
    if running := running_url():
        return running
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.PORT}"


def link_url(secret: str, *, base: str | None = None) -> str:
    """The address of a one-time link. Its secret is in the query, which is not logged."""
    return f"{base or server_url()}{reverse('pages:sign_in_link')}?token={secret}"
