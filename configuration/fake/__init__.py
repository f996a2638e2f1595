"""A fake language model and embedding model: a local server that speaks OpenAI's API.

For tests, benchmarks and experiments. It answers by simple, deterministic rules, and can inject
faults.
"""

from .faults import Fault
from .server import FakeServer

__all__ = ["FakeServer", "Fault"]
