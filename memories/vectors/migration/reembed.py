"""The job that makes the space of the configured model the current one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from configuration import connection, effective
from configuration.effective import EmbedderSettings
from configuration.errors import TRANSIENT_FAILURES
from configuration.models import Configuration
from configuration.providers import ProviderFailed, embedder_for
from core.errors import Conflict
from jobs.job_run import JobRun
from jobs.lease import Cancelled
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, Memory, UserIndex
from memories.models.embedding import MOST_DIMENSIONS
from memories.vectors.backfill import BATCH, PROBE, Filling, batches_lacking
from memories.vectors.user_index import IndexingUnderway, keep_index

from .comparison import compare
from .switch import Busy, alone, leave, switch

State = EmbeddingSpace.State

# How often the memories of the last moment are fetched before the switch.
REFILLS = 5

# Seconds until the next try to switch, when somebody writes memories for long, as an import does.
PAUSE = 2.0


class Outdated(Exception):
    """Another model was chosen meanwhile, or this one was to be left alone."""


class NotFull(Exception):
    """Memories have come that are not in the space."""


class TooManyDimensions(Conflict):
    """The vectors of this model are too long: choose fewer `dimensions`, 4000 at most."""

    code = "too_many_dimensions"


class DropUnderway(Conflict):
    """The vectors of this model are being dropped. Once they are gone it can be begun anew."""

    code = "drop_underway"


@job_type(
    "reembed",
    queue="long",
    # It takes hours with many memories, and each start of the server may cost an attempt.
    attempts=200,
    retries_on=(*TRANSIENT_FAILURES, IndexingUnderway),
)
def reembed(run: JobRun) -> None:
    """Fill the space of the configured model, compare it with the current one, and switch to it.

    Begins anew when another model is chosen meanwhile. Where the configured model is in use, its
    space is only made complete.
    """
    while not run.finished:
        wanted = effective.current().embedder
        try:
            _Reembedding(run, wanted).run()
        except Outdated:
            run.progress(0)
        except ProviderFailed:
            # Its key may have been exchanged: then it goes on with the new one.
            if effective.current().embedder == wanted:
                raise
        except Cancelled:
            leave()
            raise


class _Reembedding:
    """One attempt, for one model. Raises Outdated as soon as it is in vain."""

    def __init__(self, run: JobRun, wanted: EmbedderSettings) -> None:
        self.job_run = run
        self.wanted = wanted
        self.space = self._opened()
        self.filling = Filling(self.space, self._step)
        self.refills = 0

    def run(self) -> None:
        self._fill()
        if self.space.state == State.FILLING:
            self._index()
            self._compare()
        while not self.job_run.finished:
            try:
                self._finish()
            except NotFull:
                self.refills += 1
                self._fill()
            except Busy:
                self.job_run.progress(self.job_run.job.done)
                time.sleep(PAUSE)

    def _opened(self) -> EmbeddingSpace:
        """Begin the space of the wanted model, or go on with it. Asks the model for its size."""
        [vector] = embedder_for(self.wanted).embed_documents([PROBE])
        if len(vector) > MOST_DIMENSIONS:
            raise TooManyDimensions
        with self.job_run.step():
            self._ensure_wanted()
            space, _ = EmbeddingSpace.objects.select_for_update().get_or_create(
                provider=self.wanted.provider,
                model=self.wanted.model,
                dimensions=len(vector),
                defaults={"state": State.PAUSED},
            )
            if space.state == State.DROPPING:
                raise DropUnderway
            space.keep_reach(connection.stored(self.wanted))
            if space.state in (State.PAUSED, State.KEPT):
                leave()
                space.enter(State.FILLING)
        return space

    def _fill(self) -> None:
        lacking = self.space.lacking().count()
        total = Memory.objects.undeleted().count()
        there = max(0, total - lacking) - self.filling.done
        self.filling.put(
            batches_lacking(self.space),
            telling=lambda: self.job_run.progress(there + self.filling.done, total),
        )
        self.job_run.progress(total, total)

    def _index(self) -> None:
        """Give whoever is not searched exactly an index here, too, before searches come here."""
        for index in UserIndex.objects.filter(space__state=State.ACTIVE).select_related("user"):
            keep_index(index.user, self.space)

    def _compare(self) -> None:
        comparison = compare(EmbeddingSpace.objects.current(), self.space)
        with self._step():
            self.space.comparison = comparison
            self.space.save(update_fields=["comparison"])

    def _finish(self) -> None:
        """Switch, if that is what it is for. Raises NotFull, Busy or Outdated."""
        with self.job_run.finishing() as result:
            self._ensure_wanted()
            self._ensure_unchanged()
            hold = Job.objects.get(pk=self.job_run.job.pk).parameters["hold"]
            memories = Embedding.objects.filter(space=self.space).count()
            switching = self.space.state == State.FILLING and not hold
            if switching:
                alone()
                self._ensure_full()
                switch(self.space)
            result.update(
                space=str(self.space),
                memories=memories,
                embedded=self.filling.done,
                refused=len(self.filling.refused),
                comparison=self.space.comparison,
                switched=switching,
            )

    @contextmanager
    def _step(self) -> Iterator[None]:
        with self.job_run.step():
            self._ensure_unchanged()
            yield

    def _ensure_wanted(self) -> None:
        """Until the transaction ends, nobody else chooses another model."""
        if effective.in_force(Configuration.objects.locked()).embedder != self.wanted:
            raise Outdated

    def _ensure_unchanged(self) -> None:
        if not EmbeddingSpace.objects.filter(pk=self.space.pk, state=self.space.state).exists():
            raise Outdated

    def _ensure_full(self) -> None:
        # Where the model runs elsewhere, there may always be something that was written a moment
        # ago and not embedded yet. It is found by its words, and has a job of its own.
        always = not self.space.is_local and self.refills >= REFILLS
        allowed = BATCH if always else 0
        missing = self.space.lacking().exclude(pk__in=self.filling.refused)
        if missing[: allowed + 1].count() > allowed:
            raise NotFull
