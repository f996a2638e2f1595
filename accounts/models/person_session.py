from __future__ import annotations

import hmac
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from core.compiled_query import CompiledQuery

from .api_key import LAST_USED_RESOLUTION, digest
from .user import User

# A session ends when it was not used for this long, and after this long at the latest.
IDLE = timedelta(days=14)
LONGEST = timedelta(days=90)
# Of one person. The one that was used longest ago ends when there are more.
MAX_SESSIONS = 50
MAX_BROWSER = 255
# Who has forgotten a password signs in by a link and sets another one within this time.
FRESH = timedelta(hours=1)


class PersonSessionQuerySet(models.QuerySet["PersonSession"]):
    def start(
        self, user: User, *, browser: str = "", by_link: bool = False
    ) -> tuple[PersonSession, str]:
        """Sign a person in. Returns the session and its secret, which is not stored."""
        secret = secrets.token_urlsafe(32)
        session = self.create(
            user=user,
            digest=digest(secret),
            credential=user.get_session_auth_hash(),
            browser=browser[:MAX_BROWSER],
            by_link=by_link,
        )
        oldest = self.filter(user=user).order_by("-last_used_at", "-created_at")
        extra = list(oldest.values_list("pk", flat=True)[MAX_SESSIONS : 2 * MAX_SESSIONS])
        if extra:
            self.filter(pk__in=extra).delete()
        return session, secret

    def valid(self) -> PersonSessionQuerySet:
        now = timezone.now()
        return self.valid_since(used_after=now - IDLE, begun_after=now - LONGEST)

    def valid_since(self, *, used_after: datetime, begun_after: datetime) -> PersonSessionQuerySet:
        return self.filter(
            last_used_at__gt=used_after, created_at__gt=begun_after, user__is_active=True
        )

    def expired(self) -> PersonSessionQuerySet:
        now = timezone.now()
        return self.filter(
            models.Q(last_used_at__lte=now - IDLE) | models.Q(created_at__lte=now - LONGEST)
        )

    def find(self, secret: str) -> PersonSession | None:
        """Find the session with this secret, and its user. A changed password ends sessions."""
        now = timezone.now()
        sessions: list[PersonSession] = _sessions_of_digest.fetch(
            digest=digest(secret), used_after=now - IDLE, begun_after=now - LONGEST
        )
        if not sessions:
            return None
        [session] = sessions
        current = session.user.get_session_auth_hash()
        return session if hmac.compare_digest(session.credential, current) else None


def _of_digest(
    digest: bytes, used_after: datetime, begun_after: datetime
) -> models.QuerySet[PersonSession]:
    valid = PersonSession.objects.valid_since(used_after=used_after, begun_after=begun_after)
    return valid.select_related("user").filter(digest=digest)


# Of each page. It is asked anew each time: a session that was ended opens no page.
_sessions_of_digest = CompiledQuery(
    _of_digest,
    digest=digest("an example"),
    used_after=datetime(2001, 2, 3, tzinfo=UTC),
    begun_after=datetime(2001, 2, 4, tzinfo=UTC),
)


class PersonSession(models.Model):
    """A browser in which a person is signed in. It opens pages, and nothing of the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="person_sessions")
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of its secret.")
    credential = models.CharField(
        max_length=128, help_text="A keyed hash of the password, so that a new one ends sessions."
    )
    browser = models.CharField(max_length=MAX_BROWSER, blank=True, help_text="Its User-Agent.")
    by_link = models.BooleanField(
        default=False, help_text="Whether it began with a link, not with the password."
    )
    notice = models.JSONField(
        null=True, blank=True, help_text="What the next page says about the last action."
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(
        default=timezone.now, help_text="Accurate to the minute: not every request updates it."
    )

    objects = PersonSessionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at}"

    @property
    def needs_password_for_new_one(self) -> bool:
        """Whether the old password is asked for: not where there is none, or right after a link."""
        is_fresh = self.by_link and timezone.now() - self.created_at < FRESH
        return self.user.has_usable_password() and not is_fresh

    def record_use(self) -> None:
        now = timezone.now()
        if now - self.last_used_at > LAST_USED_RESOLUTION:
            self.last_used_at = now
            self.save(update_fields=["last_used_at"])

    def renew_credential(self) -> None:
        """Go on after the person has changed the password in this session."""
        self.credential = self.user.get_session_auth_hash()
        self.save(update_fields=["credential"])

    def leave_notice(self, notice: dict[str, Any]) -> None:
        self.notice = notice
        self.save(update_fields=["notice"])

    def take_notice(self) -> dict[str, Any] | None:
        """Return what the last action left to say. It is said once."""
        notice: dict[str, Any] | None = self.notice
        if notice is not None:
            self.notice = None
            self.save(update_fields=["notice"])
        return notice
