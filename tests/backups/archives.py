"""Exported archives and their contents."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from typing import Any
from uuid import UUID

from accounts.models import User
from backups.export import export
from backups.export_queries import ExportFilters


def archive_of(user: User, filters: ExportFilters | None = None) -> zipfile.ZipFile:
    """Export to memory."""
    target = io.BytesIO()
    export(user, target, filters=filters or ExportFilters())
    return zipfile.ZipFile(target)


def entities(archive: zipfile.ZipFile) -> dict[str, Any]:
    return json.loads(archive.read("memories.json"))


def lines(archive: zipfile.ZipFile) -> list[dict[str, Any]]:
    unpacked = gzip.decompress(archive.read("memories.jsonl.gz"))
    return [json.loads(line) for line in unpacked.splitlines()]


def manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    return json.loads(archive.read("manifest.json"))


def vectors(archive: zipfile.ZipFile) -> dict[str, list[float]]:
    """The vectors by the ids of their memories, read as the documentation says."""
    dimensions = manifest(archive)["vectors"]["dimensions"]
    record = struct.Struct(f">16s{dimensions}e")
    return {
        str(UUID(bytes=pk)): numbers
        for pk, *numbers in record.iter_unpack(archive.read("vectors.f16"))
    }
