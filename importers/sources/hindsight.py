"""Hindsight: the ZIP of a bank, with its documents, facts and observations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from importers.source import Record
from importers.source_file import SourceFile
from importers.values import as_dict, as_moment, as_text, dicts, digest, present, texts

_MANIFEST = r"manifest\.json"
_DOCUMENTS = r"documents/[^/]+\.json"
_OBSERVATIONS = r"observations\.json"
# What a bank knows in prose.
_MODELS = r"mental_models\.json"

_SCHEMA_VERSION = 1


class Hindsight:
    name: ClassVar = "hindsight"
    title: ClassVar = "Hindsight"
    files: ClassVar = "the ZIP of a bank or of its documents"

    def detects(self, file: SourceFile) -> bool:
        names = file.find(_MANIFEST) if file.is_zip else []
        return (
            len(names) == 1
            and {"schema_version", "source_bank_id"} <= as_dict(file.peek(names[0])).keys()
        )

    def read(self, file: SourceFile) -> Iterator[Record]:
        if not self.detects(file):
            file.refuse("This is no archive of Hindsight: its manifest is missing.")
        manifest = as_dict(file.peek(file.find(_MANIFEST)[0]))
        if manifest["schema_version"] != _SCHEMA_VERSION:
            version = str(manifest["schema_version"])[:20]
            file.refuse(f"Archives of Hindsight in version {version} are unknown.")
        for place, document in _objects(file, _DOCUMENTS):
            yield from _read_document(document, place)
        for place, observation in _objects(file, _OBSERVATIONS):
            yield _read_fact(observation, "observation", None, "", place)
        for place, model in _objects(file, _MODELS):
            yield _read_model(model, place)


def _objects(file: SourceFile, pattern: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in file.find(pattern):
        for item in file.values(name):
            yield f"{name}, line {item.line}", as_dict(item.value)


def _read_document(document: dict[str, Any], place: str) -> Iterator[Record]:
    pk, created = as_text(document.get("id")), as_moment(document.get("created_at"))
    for fact in dicts(document.get("facts")):
        yield _read_fact(fact, as_text(fact.get("fact_type")), created, pk, place)


def _read_fact(
    fact: dict[str, Any], fact_type: str, created: Any, document: str, place: str
) -> Record:
    text = as_text(fact.get("text"))
    times = [as_moment(fact.get(name)) for name in ("mentioned_at", "event_date", "created_at")]
    occurred = {name: as_text(fact.get(name)) for name in ("occurred_start", "occurred_end")}
    return Record(
        text,
        digest(fact_type, document, text),
        created_at=next((time for time in times if time), created),
        categories=list(texts(fact.get("tags"))),
        metadata={
            **as_dict(fact.get("metadata")),
            **present(
                fact_type=fact_type,
                context=as_text(fact.get("context")),
                entities=list(texts(fact.get("entities"))),
                document=document,
                **occurred,
            ),
        },
        place=place,
    )


def _read_model(model: dict[str, Any], place: str) -> Record:
    text = as_text(model.get("content"))
    name = as_text(model.get("name"))
    return Record(
        text,
        digest("mental model", as_text(model.get("id")) or name, text),
        created_at=as_moment(model.get("last_refreshed_at")) or as_moment(model.get("created_at")),
        categories=list(texts(model.get("tags"))),
        metadata=present(fact_type="mental model", name=name),
        place=place,
    )
