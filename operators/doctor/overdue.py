"""Check that due purges and erasures are done."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from core.checks import Findings, check, error, format_list, ok, warning
from core.quantities import with_noun
from jobs.models import Job, State
from memories.models import Memory
from operators import erase

# Days that a purge may be late.
GRACE_DAYS = 2


@check("operators.purge")
def purge() -> Findings:
    days = settings.DELETED_KEEP_DAYS
    if not days:
        yield ok("Deleted memories are never purged.")
        return
    moment = timezone.now() - timedelta(days=days + GRACE_DAYS)
    expired = Memory.objects.undeleted().expired_before(moment)
    overdue = Memory.objects.deleted_before(moment).count() + expired.count()
    if overdue:
        yield warning(
            f"{with_noun(overdue, 'deleted or expired memory', 'deleted or expired memories')} "
            "should have been purged.",
            "Start the workers, or run: manage.py housekeep",
        )
    else:
        yield ok(f"Memories deleted more than {with_noun(days, 'day')} ago are purged.")


@check("operators.erasures")
def erasures() -> Findings:
    failed = Job.objects.filter(kind=erase.ERASE.name, state__in=[State.FAILED, State.CANCELLED])
    user_ids = failed.values_list("parameters__user", flat=True)
    remaining = list(User.objects.filter(pk__in=set(user_ids)).values_list("user_id", flat=True))
    if remaining:
        yield error(
            f"{with_noun(len(remaining), 'erasure')} did not finish.",
            f"Run each again: manage.py erase_user … ({format_list(remaining)})",
        )
    else:
        yield ok("All erasures are complete.")
