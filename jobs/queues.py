"""The queues of jobs. Each has workers of its own, so that quick jobs never wait for long ones."""

from __future__ import annotations

from typing import Literal

Queue = Literal["quick", "long"]
QUEUES: tuple[Queue, ...] = ("quick", "long")
