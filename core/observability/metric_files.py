"""Files of metrics whose space is allocated before it is used.

prometheus_client maps sparse files into memory. On a full disk, the first value in a new page would
kill the process (SIGBUS). Here, metrics for which there is no space stay in the process.
"""

from __future__ import annotations

import mmap
from typing import Any

from prometheus_client import mmap_dict, values

INITIAL_BYTES = 64 * 1024


class AllocatedDict(mmap_dict.MmapedDict):
    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self._is_file = True
        try:
            if not read_mode:
                _allocate_new(filename)
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
        except OSError:
            self._use_memory()

    def _use_memory(self) -> None:
        self._is_file = False
        self._f: Any = None
        self._capacity = INITIAL_BYTES
        self._m: Any = mmap.mmap(-1, self._capacity)
        self._positions: dict[str, int] = {}
        self._used = 8
        self._m[:8] = self._used.to_bytes(8, "little")

    def _init_value(self, key: str) -> None:
        longest = 4 * len(key) + 64
        while self._used + longest > self._capacity:
            self._grow()
        super()._init_value(key)  # type: ignore[no-untyped-call]

    def _grow(self) -> None:
        size = 2 * self._capacity
        try:
            if not self._is_file:
                raise OSError
            self._f.write(bytes(size - self._capacity))
            self._f.flush()
            self._m = mmap.mmap(self._f.fileno(), size)
        except OSError:
            self._is_file = False
            memory = mmap.mmap(-1, size)
            memory[: self._capacity] = self._m[: self._capacity]
            self._m = memory
        self._capacity = size


def _allocate_new(filename: str) -> None:
    with open(filename, "ab", buffering=0) as file:  # noqa: PTH123
        if file.tell() == 0 and file.write(bytes(INITIAL_BYTES)) < INITIAL_BYTES:
            file.truncate(0)
            raise OSError


def use_allocated_files() -> None:
    """Have all metrics of this process use such files. Call it before any metric is made."""
    values.MmapedDict = AllocatedDict  # type: ignore[attr-defined]
