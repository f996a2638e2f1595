"""A language model and embedder that are none: a server on this machine that speaks OpenAI's API.

For tests, benchmarks and trying things out. What it answers follows from what it is asked by
simple rules, so it is the same each time; and it fails as it is told to.
"""

from .faults import Fault
from .server import FakeServer

__all__ = ["FakeServer", "Fault"]
