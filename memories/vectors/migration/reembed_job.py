"""The job that embeds all memories with the configured model and switches searches to it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from configuration import effective
from configuration.connection import dump_connection
from configuration.errors import TRANSIENT_FAILURES, ProviderError
from configuration.model_settings import EmbedderSettings
from configuration.models import Configuration
from configuration.providers import get_embedder
from core.errors import Conflict
from jobs.job_run import JobRun
from jobs.lease import Cancelled
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, Memory, UserIndex
from memories.models.embedding import MAX_DIMENSIONS
from memories.vectors.backfill import BATCH_SIZE, PROBE, Backfill, find_unembedded
from memories.vectors.user_index import IndexingUnderway, sync_index

from .comparison import compare
from .switch import WritersBusy, lock_out_writers, pause_filling, switch

State = EmbeddingSpace.State

# How often new memories are embedded before the switch, at most.
MAX_REFILLS = 5

# Seconds between attempts to switch while a long write, such as an import, is in progress.
SWITCH_RETRY_SECONDS = 2.0


class Outdated(Exception):
    """Another model was configured meanwhile, or the migration was paused."""


class NotFull(Exception):
    """The space lacks memories that were stored meanwhile."""


class TooManyDimensions(Conflict):
    """The vectors of this model are too long. Set `dimensions` to 4000 or less."""

    code = "too_many_dimensions"


class DropUnderway(Conflict):
    """The vectors of this model are being dropped. Start again once they are gone."""

    code = "drop_underway"


@job_type(
    "reembed",
    queue="long",
    # It takes hours with many memories, and each restart of the server may cost an attempt.
    attempts=200,
    retries_on=(*TRANSIENT_FAILURES, IndexingUnderway),
)
def reembed(run: JobRun) -> None:
    """Fill the space of the configured model, compare it with the current one, and switch to it.

    Starts over if another model is configured meanwhile. If the configured model is already in
    use, only its missing vectors are added.
    """
    while not run.finished:
        embedder = effective.current_settings().embedder
        try:
            _Attempt(run, embedder).run()
        except Outdated:
            run.progress(0)
        except ProviderError:
            # If its key or connection was changed meanwhile, continue with the new one.
            if effective.current_settings().embedder == embedder:
                raise
        except Cancelled:
            pause_filling()
            raise


class _Attempt:
    """A migration to one model. Raises Outdated as soon as it is pointless."""

    def __init__(self, run: JobRun, embedder: EmbedderSettings) -> None:
        self.job_run = run
        self.embedder = embedder
        self.space = self._open_space()
        self.backfill = Backfill(self.space, self._step)
        self.refills = 0

    def run(self) -> None:
        self._fill()
        if self.space.state == State.FILLING:
            self._build_indexes()
            self._compare()
        while not self.job_run.finished:
            try:
                self._finish()
            except NotFull:
                self.refills += 1
                self._fill()
            except WritersBusy:
                self.job_run.progress(self.job_run.job.done)
                time.sleep(SWITCH_RETRY_SECONDS)

    def _open_space(self) -> EmbeddingSpace:
        """Create the space of the model, or resume it. Asks the model for its dimensions."""
        [vector] = get_embedder(self.embedder).embed_documents([PROBE])
        if len(vector) > MAX_DIMENSIONS:
            raise TooManyDimensions
        with self.job_run.step():
            self._ensure_configured()
            space, _ = EmbeddingSpace.objects.locked().get_or_create(
                provider=self.embedder.provider,
                model=self.embedder.model,
                dimensions=len(vector),
                defaults={"state": State.PAUSED},
            )
            if space.state == State.DROPPING:
                raise DropUnderway
            space.save_connection(dump_connection(self.embedder))
            if space.state in (State.PAUSED, State.KEPT):
                pause_filling()
                space.enter(State.FILLING)
        return space

    def _fill(self) -> None:
        missing = self.space.incomplete().count()
        total = Memory.objects.undeleted().count()
        done_before = max(0, total - missing) - self.backfill.done
        self.backfill.run(
            find_unembedded(self.space),
            before_batch=lambda: self.job_run.progress(done_before + self.backfill.done, total),
        )
        self.job_run.progress(total, total)

    def _build_indexes(self) -> None:
        """Build indexes for the users who have one in the current space, before the switch."""
        for index in UserIndex.objects.filter(space__state=State.ACTIVE).select_related("user"):
            sync_index(index.user, self.space)

    def _compare(self) -> None:
        comparison = compare(EmbeddingSpace.objects.current(), self.space)
        with self._step():
            self.space.comparison = comparison
            self.space.save(update_fields=["comparison"])

    def _finish(self) -> None:
        """Switch to the space unless on hold. Raises NotFull, WritersBusy or Outdated."""
        with self.job_run.finishing() as result:
            self._ensure_configured()
            self._ensure_state_unchanged()
            hold = Job.objects.get(pk=self.job_run.job.pk).parameters["hold"]
            memories = Embedding.objects.filter(space=self.space).count()
            switched = self.space.state == State.FILLING and not hold
            if switched:
                lock_out_writers()
                self._ensure_full()
                switch(self.space)
            result.update(
                space=str(self.space),
                memories=memories,
                embedded=self.backfill.done,
                refused=len(self.backfill.rejected),
                comparison=self.space.comparison,
                switched=switched,
            )

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self.job_run.step():
            self._ensure_state_unchanged()
            yield

    def _ensure_configured(self) -> None:
        """Raise Outdated if another model is configured, and lock the configuration if not."""
        if effective.settings_from(Configuration.objects.locked()).embedder != self.embedder:
            raise Outdated

    def _ensure_state_unchanged(self) -> None:
        if not EmbeddingSpace.objects.filter(pk=self.space.pk, state=self.space.state).exists():
            raise Outdated

    def _ensure_full(self) -> None:
        # With a remote model, some memories may always have been stored a moment ago and not be
        # embedded yet. Keyword search finds them, and a job of their own embeds them.
        tolerant = not self.space.is_local and self.refills >= MAX_REFILLS
        allowed = BATCH_SIZE if tolerant else 0
        missing = self.space.incomplete().exclude(pk__in=self.backfill.rejected)
        if missing[: allowed + 1].count() > allowed:
            raise NotFull
