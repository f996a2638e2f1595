"""Start, pause, cancel and roll back a migration, and react to changes of the configuration."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from accounts.models import User
from configuration import effective
from configuration.connection import dump_connection, reencrypt_connection
from configuration.model_settings import EmbedderSettings, Settings
from configuration.provider_keys import EncryptedKey
from configuration.sections import SectionChange
from configuration.update import update_configuration
from core.errors import Conflict
from jobs.models import Job
from memories.models import EmbeddingSpace

from .reembed_job import reembed
from .switch import pause_filling

State = EmbeddingSpace.State


class NothingKept(Conflict):
    """There is no earlier embedding space to roll back to."""

    code = "nothing_kept"


def on_config_changed(before: Settings, after: Settings, by: User) -> None:
    """Apply a change of the configuration to the spaces, in the transaction of the change.

    Another model starts a migration. A new connection to the same model, such as another key,
    takes effect at once, and a job embeds what could not be embedded before.
    """
    spaces = list(EmbeddingSpace.objects.all())
    for space in spaces:
        # As for the keys of the configuration, so that an older secret key can be removed.
        space.save_connection(reencrypt_connection(space.reach))
    if after.embedder == before.embedder:
        return
    _update_connections(spaces, after.embedder)
    for space in spaces:
        if space.state == State.FILLING and not space.is_of(after.embedder):
            space.enter(State.PAUSED)
    active = [space for space in spaces if space.state == State.ACTIVE]
    if not any(_is_complete(space) for space in active if space.is_of(after.embedder)):
        start(by=by, hold=settings.REEMBED_HOLD)


def _is_complete(space: EmbeddingSpace) -> bool:
    # With a local model, every memory is embedded as it is stored.
    return space.is_local or not space.unembedded().exists()


def apply_environment(*, by: User) -> None:
    """Migrate to the model in the environment if that has changed since the server last ran."""
    embedder = effective.current_settings().embedder
    spaces = list(EmbeddingSpace.objects.all())
    _update_connections(spaces, embedder)
    started = [State.ACTIVE, State.FILLING, State.PAUSED]
    if not any(space.state in started and space.is_of(embedder) for space in spaces):
        start(by=by, hold=settings.REEMBED_HOLD)


def start(*, by: User, hold: bool = False) -> Job:
    """Enqueue the job that migrates to the configured model, or resumes that migration.

    With `hold`, the job stops once the second space is full. Another job then switches to it.
    """
    parameters = {"hold": hold}
    job = reembed.enqueue(owner=by, parameters=parameters, queueing_lock=reembed.name)
    if job.cancel_requested:  # it is about to end: enqueue its successor
        return reembed.enqueue(
            owner=by, parameters=parameters, queueing_lock=f"{reembed.name} after {job.pk}"
        )
    Job.objects.filter(pk=job.pk).update(parameters=parameters)
    return job


def complete(*, by: User) -> Job | None:
    """Enqueue the job that adds what a former release did not store in the current space, if any.

    That is, the vectors of tokens.
    """
    space = EmbeddingSpace.objects.current()
    is_configured = space.is_of(effective.current_settings().embedder)
    if not (space.has_tokens and is_configured and space.incomplete().exists()):
        return None
    return start(by=by)


def backfill(*, by: User) -> Job:
    """Enqueue the job that embeds what has no vector in the current space.

    Raises Conflict if another model is configured.
    """
    embedder = effective.current_settings().embedder
    if not EmbeddingSpace.objects.current().is_of(embedder):
        raise Conflict(
            f"{embedder.provider}/{embedder.model} is configured. Finish or cancel that migration "
            "first."
        )
    return start(by=by)


def pause() -> None:
    """Stop filling the second space until the migration is resumed."""
    for job in Job.objects.unfinished().filter(kind=reembed.name):
        job.cancel()
    pause_filling()


def cancel(*, by: User) -> None:
    """Keep the current model. The vectors of the other one stay, unused."""
    pause()
    select(EmbeddingSpace.objects.current(), by=by)


def roll_back(*, by: User) -> None:
    """Migrate back to the previous model. Raises NothingKept."""
    previous = EmbeddingSpace.objects.filter(state=State.KEPT).order_by("retired_at").last()
    if previous is None:
        raise NothingKept
    select(previous, by=by)


def resume(space: EmbeddingSpace, *, by: User) -> None:
    """Fill a paused or kept space, and then switch to it."""
    if space.is_of(effective.current_settings().embedder):
        start(by=by, hold=settings.REEMBED_HOLD)
    else:
        select(space, by=by)


def select(space: EmbeddingSpace, *, by: User) -> None:
    """Configure the model of a space. Raises KeyLost if its key cannot be decrypted."""
    embedder, key = space.settings, space.settings.api_key
    fields = {
        "provider": embedder.provider,
        "model": embedder.model,
        "dimensions": embedder.dimensions,
        "ollama_base_url": embedder.ollama_base_url,
        "openai_base_url": embedder.openai_base_url,
        "api_key": key.resolve() if isinstance(key, EncryptedKey) else key and key.display(),
    }
    update_configuration([SectionChange("embedder", fields)], by=by)


def _update_connections(spaces: Iterable[EmbeddingSpace], embedder: EmbedderSettings) -> None:
    for space in spaces:
        if space.is_of(embedder):
            space.save_connection(dump_connection(embedder))
