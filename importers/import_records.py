"""Import a file of another product: first all of it is read and checked, then it is stored.

What a file has is known by its keys. So an import that was interrupted is repeated, and goes on.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from accounts.models import User
from apps_registry.models import App
from apps_registry.models.app import AppPaused
from core.progress import Progress, ignore_progress
from memories.lifecycle.import_batch import BATCH, Destination, find_unknown, import_batch
from memories.lifecycle.kept_categories import find_unkept

from .foreign_memory import Draft, DraftWriter
from .restore_states import restore_keys, restore_states, restore_successors
from .source import Part, Source
from .source_file import SourceFile
from .sources import choose_source

SAMPLE_SIZE = 5
SAMPLE_CHARACTERS = 300


@dataclass
class Import:
    """A file, and whose memories its texts become. Parts of `leave_out` are not brought.

    The log names `run_id`, so that an import can be taken back.
    """

    file: IO[bytes]
    name: str
    source_name: str
    user: User
    by: User
    leave_out: Collection[Part] = ()
    progress: Progress = ignore_progress
    run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    counts: dict[str, int] = field(default_factory=dict)

    def try_out(self) -> dict[str, Any]:
        """Read all, and count what an import would store. Raises as sources do, and AppPaused."""
        return self._try_out(passes=1)

    def _try_out(self, *, passes: int) -> dict[str, Any]:
        source = choose_source(self.source_name, SourceFile(self.file, self.name))
        created, known, not_kept, apps = 0, 0, 0, set()
        sample: list[Draft] = []
        parts: dict[str, int] = dict.fromkeys(Part, 0)
        for batch in self._batches(source, done=0, passes=passes):
            unknown = find_unknown([draft.memory.pk for draft in batch], self._destination)
            kept = [draft for draft in batch if draft.memory.pk in unknown and self._keeps(draft)]
            created, known = created + len(kept), known + len(batch) - len(unknown)
            not_kept += len(unknown) - len(kept)
            sample += kept[: SAMPLE_SIZE - len(sample)]
            for draft in kept:
                apps.add(draft.app)
                parts[draft.part] += 1
        self._require_active(apps)
        return {
            "source": source.name,
            "user_id": self.user.named_id,
            "memories_created": created,
            "memories_unchanged": known,
            "not_kept": not_kept,
            **self.counts,
            "parts": parts,
            "apps": sorted(apps)[:100],
            "sample": [_show(draft) for draft in sample],
        }

    def run(self) -> dict[str, Any]:
        """Try it out, and store. Raises as `try_out` does, before anything is stored."""
        result = self._try_out(passes=2)
        del result["sample"]  # what is stored is shown elsewhere
        source = choose_source(self.source_name, SourceFile(self.file, self.name))
        apps: dict[str, App] = {}
        links: dict[uuid.UUID, uuid.UUID] = {}
        created = 0
        for batch in self._batches(source, done=1, passes=2):
            unknown = find_unknown([draft.memory.pk for draft in batch], self._destination)
            new = [draft for draft in batch if draft.memory.pk in unknown and self._keeps(draft)]
            for name in {draft.app for draft in new} - apps.keys():
                apps[name] = App.objects.get_or_create_active(self.user, name=name)
            created += self._store(new, apps, links)
        restore_successors(links, self._destination)
        return {**result, "memories_created": created}

    def _keeps(self, draft: Draft) -> bool:
        """Whether it is in no category that the user does not keep."""
        return not find_unkept(draft.memory.categories, user=self.user)

    def _store(
        self, drafts: list[Draft], apps: dict[str, App], links: dict[uuid.UUID, uuid.UUID]
    ) -> int:
        kept = {draft.memory.pk: draft.kept for draft in drafts if draft.kept}

        def note(ids: Mapping[uuid.UUID, uuid.UUID]) -> None:
            restore_states(ids, kept, self.by)
            restore_keys(ids, kept, self.user)
            links.update(
                (ids[pk], own.superseded_by)
                for pk, own in kept.items()
                if pk in ids and own.superseded_by
            )

        rows = [(draft.memory, apps[draft.app]) for draft in drafts]
        return import_batch(rows, self._destination, note=note)

    @property
    def _destination(self) -> Destination:
        return Destination.of(self.user, by=self.by, run=self.run_id)

    def _batches(self, source: Source, *, done: int, passes: int) -> Iterator[list[Draft]]:
        """Read the file once, of several times."""
        file = SourceFile(self.file, self.name)
        writer = DraftWriter(source.name, self.user)
        drafts = self._drafts(source, file, writer)
        while batch := list(islice(drafts, BATCH)):
            yield batch
            self.progress(done * file.size + file.bytes_read, passes * file.size)
        self.counts = {
            "repeated": writer.repeated,
            "empty": writer.empty,
            "left_out": writer.left_out,
        }

    def _drafts(self, source: Source, file: SourceFile, writer: DraftWriter) -> Iterator[Draft]:
        for record in source.read(file):
            if record.part in self.leave_out:
                writer.left_out += 1
            else:
                yield from writer.write(record)

    def _require_active(self, names: Collection[str]) -> None:
        paused = App.objects.owned_by(self.user).paused().filter(name__in=names).first()
        if paused is not None:
            raise AppPaused(f"The app {paused.name!r} is paused: resume it, then import.")


def _show(draft: Draft) -> dict[str, Any]:
    new = draft.memory.new
    text = new.text[:SAMPLE_CHARACTERS]
    return {
        "text": text + ("…" if len(text) < len(new.text) else ""),
        "app": draft.app,
        "created_at": new.learned_at and new.learned_at.isoformat(),
        "categories": list(draft.memory.categories),
    }
