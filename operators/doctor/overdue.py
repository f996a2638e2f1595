"""Whether what is to go is gone."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from core.checks import Findings, check, error, format_list, ok, warning
from jobs.models import Job, State
from memories.models import Memory
from operators import erase

# Days that housekeeping may be late with a purge.
LATE = 2


@check("operators.purge")
def purge() -> Findings:
    days = settings.DELETED_KEEP_DAYS
    if not days:
        yield ok("What was deleted is kept for ever.")
        return
    late = Memory.objects.deleted_before(timezone.now() - timedelta(days=days + LATE)).count()
    if late:
        yield warning(
            f"{late:,} deleted memories should have been purged.",
            "Start the workers, or run: manage.py housekeep",
        )
    else:
        yield ok(f"What was deleted more than {days} days ago is purged.")


@check("operators.erasures")
def erasures() -> Findings:
    ended = Job.objects.filter(kind=erase.ERASE.name, state__in=[State.FAILED, State.CANCELLED])
    named = ended.values_list("parameters__user", flat=True)
    left = list(User.objects.filter(pk__in=set(named)).values_list("user_id", flat=True))
    if left:
        yield error(
            f"{len(left)} erasures did not end.",
            f"Run each again: manage.py erase_user … ({format_list(left)})",
        )
    else:
        yield ok("No erasure was broken off.")
