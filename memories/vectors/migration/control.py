"""Let the spaces follow what is configured."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from accounts.models import User
from configuration import connection, effective, update
from configuration.effective import EmbedderSettings, Settings
from configuration.provider_keys import SealedKey
from core.errors import Conflict
from jobs.models import Job
from memories.models import EmbeddingSpace

from .reembed import reembed
from .switch import leave


class NothingKept(Conflict):
    """No vectors of another model are kept."""

    code = "nothing_kept"


State = EmbeddingSpace.State


def follow(before: Settings, after: Settings, by: User) -> None:
    """Do what a change of the configuration means for the vectors, in its transaction.

    Where another model was chosen, a job is queued that goes over to it. Where the same one is
    reached in another way, as with another key, this counts at once, and a job embeds what could
    not be embedded before.
    """
    spaces = list(EmbeddingSpace.objects.all())
    for space in spaces:
        # So that an older secret key can go, as the configuration's keys are renewed.
        space.keep_reach(connection.renewed(space.reach))
    if after.embedder == before.embedder:
        return
    _note_reach(spaces, after.embedder)
    for space in spaces:
        if space.state == State.FILLING and not space.is_of(after.embedder):
            space.enter(State.PAUSED)
    in_use = [space for space in spaces if space.state == State.ACTIVE]
    if not any(_is_complete(space) for space in in_use if space.is_of(after.embedder)):
        begin(by=by, hold=settings.REEMBED_HOLD)


def _is_complete(space: EmbeddingSpace) -> bool:
    # Where the model runs here nothing is ever missing, and need not be looked for.
    return space.is_local or not space.lacking().exists()


def catch_up(*, by: User) -> None:
    """Go over to what the environment has chosen since the server last ran."""
    wanted = effective.current().embedder
    spaces = list(EmbeddingSpace.objects.all())
    _note_reach(spaces, wanted)
    begun = [State.ACTIVE, State.FILLING, State.PAUSED]
    if not any(space.state in begun and space.is_of(wanted) for space in spaces):
        begin(by=by, hold=settings.REEMBED_HOLD)


def begin(*, by: User, hold: bool = False) -> Job:
    """Queue the job that goes over to the configured model, or goes on with it.

    With `hold` it ends when the second space is full, and another one has to go over to it.
    """
    parameters = {"hold": hold}
    job = reembed.enqueue(owner=by, parameters=parameters, queueing_lock=reembed.name)
    if job.cancel_requested:  # it is about to end, and another one is to take its place
        return reembed.enqueue(
            owner=by, parameters=parameters, queueing_lock=f"{reembed.name} after {job.pk}"
        )
    Job.objects.filter(pk=job.pk).update(parameters=parameters)
    return job


def complete(*, by: User) -> Job:
    """Embed what has no vector in the space that is searched.

    Raises Conflict while another model is wanted, whose turn it is.
    """
    wanted = effective.current().embedder
    if not EmbeddingSpace.objects.current().is_of(wanted):
        raise Conflict(f"{wanted.provider}/{wanted.model} is gone over to first, or given up.")
    return begin(by=by)


def pause() -> None:
    """Leave the second space as it is: nothing is put into it until it is begun again."""
    for job in Job.objects.unfinished().filter(kind=reembed.name):
        job.cancel()
    leave()


def cancel(*, by: User) -> None:
    """Stay with the model that is searched. What was embedded by another one stays, unused."""
    pause()
    choose(EmbeddingSpace.objects.current(), by=by)


def back(*, by: User) -> None:
    """Go back to the model that was searched before. Raises NothingKept."""
    kept = EmbeddingSpace.objects.filter(state=State.KEPT).order_by("retired_at").last()
    if kept is None:
        raise NothingKept
    choose(kept, by=by)


def go_on(space: EmbeddingSpace, *, by: User) -> None:
    """Fill a space that was left or kept, and go over to it then."""
    if space.is_of(effective.current().embedder):
        begin(by=by, hold=settings.REEMBED_HOLD)
    else:
        choose(space, by=by)


def choose(space: EmbeddingSpace, *, by: User) -> None:
    """Configure the model of this space again. Raises KeyLost when its key cannot be read."""
    chosen, key = space.settings, space.settings.api_key
    fields = {
        "provider": chosen.provider,
        "model": chosen.model,
        "dimensions": chosen.dimensions,
        "ollama_base_url": chosen.ollama_base_url,
        "openai_base_url": chosen.openai_base_url,
        "api_key": key.resolve() if isinstance(key, SealedKey) else key and key.shown(),
    }
    update.change({"embedder": fields}, by=by)


def _note_reach(spaces: Iterable[EmbeddingSpace], wanted: EmbedderSettings) -> None:
    for space in spaces:
        if space.is_of(wanted):
            space.keep_reach(connection.stored(wanted))
