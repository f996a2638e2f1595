"""Read the vectors: records of an id, and a number for each dimension of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadArchive
from .format import BYTES_PER_NUMBER, ID_BYTES, VECTORS
from .zip_reader import MemberReader

RECORDS_PER_CHUNK = 2048

# Half-precision numbers have three exact digits, and so has the length of a vector of them.
ROUNDING = 0.01


def read_records(member: MemberReader, dimensions: int) -> Iterator[NDArray[Any]]:
    """Read arrays of records with the fields `id`, 16 bytes, and `vector`, big-endian binary16.

    Raises BadArchive, which names the record, for a vector that is truncated, not finite, or not of
    unit length.
    """
    record = np.dtype([("id", f"V{ID_BYTES}"), ("vector", ">f2", (dimensions,))])
    assert record.itemsize == ID_BYTES + BYTES_PER_NUMBER * dimensions  # noqa: S101
    before = 0
    while chunk := member.read_whole(RECORDS_PER_CHUNK * record.itemsize):
        if len(chunk) % record.itemsize:
            raise BadArchive("The last record is truncated.", member=VECTORS)
        records = np.frombuffer(chunk, dtype=record)
        _check_lengths(records["vector"].astype(np.float32), before)
        before += len(records)
        yield records


def _check_lengths(vectors: NDArray[np.float32], before: int) -> None:
    # With a number that is not finite, neither is the length, which is then close to nothing.
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= ROUNDING))
    if len(wrong):
        number = before + int(wrong[0]) + 1
        raise BadArchive(f"The vector of record {number} is not of unit length.", member=VECTORS)
