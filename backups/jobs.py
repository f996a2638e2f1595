"""The kinds of jobs about archives."""

from __future__ import annotations

from typing import Any

from accounts.models import User
from accounts.subjects import UserNotFound
from jobs import kinds
from jobs.models import Job
from jobs.queueing import queue
from jobs.work import Work
from openmemory.errors import Conflict

from .exporting import archive_name, export
from .selecting import Part

EXPORT = "export"

# What one person may have waiting: each becomes a file that is kept for a while.
MOST_WAITING = 5


class TooManyExports(Conflict):
    """Several exports of yours are waiting already: cancel one, or try again when they are done."""

    code = "too_many_exports"


def queue_export(user: User, part: Part, *, by: User) -> Job:
    """Have the archive of a user made in the background. Raises TooManyExports."""
    if Job.objects.owned_by(by).unfinished().filter(kind=EXPORT).count() >= MOST_WAITING:
        raise TooManyExports
    return queue(EXPORT, owner=by, parameters={"user": str(user.pk), **part.written()})


def run_export(work: Work) -> None:
    user = _user(work.parameters)
    path = work.folder / "archive.zip"
    with path.open("xb") as target:
        manifest = export(user, target, part=Part.read(work.parameters), progress=work.progress)
    size = path.stat().st_size
    work.attach(path, archive_name(user))
    with work.finishing() as result:
        result.update(user_id=user.user_id, counts=manifest["counts"], size=size)


def _user(parameters: dict[str, Any]) -> User:
    try:
        return User.objects.get(pk=parameters["user"])
    except User.DoesNotExist:
        raise UserNotFound from None


kinds.register(kinds.Kind(EXPORT, run_export, lane="long"))
