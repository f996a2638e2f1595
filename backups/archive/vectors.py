"""The member with the vectors: records of an id and as many numbers as the model has dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadArchive
from .format import BYTES_PER_NUMBER, ID_BYTES, VECTORS
from .zip_reader import MemberReader

# So many records are looked at together.
RECORDS_PER_CHUNK = 2048

# Half-precision numbers are right to three digits, and so is the length of a vector of them.
ROUNDING = 0.01


def read_records(member: MemberReader, dimensions: int) -> Iterator[NDArray[Any]]:
    """Read arrays of records with the fields `id`, 16 bytes, and `vector`, big-endian binary16.

    Raises BadArchive, which names the record, for what is cut off, not finite, or not of unit
    length.
    """
    record = np.dtype([("id", f"V{ID_BYTES}"), ("vector", ">f2", (dimensions,))])
    assert record.itemsize == ID_BYTES + BYTES_PER_NUMBER * dimensions  # noqa: S101
    before = 0
    while piece := member.read_whole(RECORDS_PER_CHUNK * record.itemsize):
        if len(piece) % record.itemsize:
            raise BadArchive("The last record is cut off.", member=VECTORS)
        found = np.frombuffer(piece, dtype=record)
        _check_lengths(found["vector"].astype(np.float32), before)
        before += len(found)
        yield found


def _check_lengths(vectors: NDArray[np.float32], before: int) -> None:
    # A number that is not finite makes the length so, and that is near to nothing.
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= ROUNDING))
    if len(wrong):
        number = before + int(wrong[0]) + 1
        raise BadArchive(f"The vector of record {number} is not of unit length.", member=VECTORS)
