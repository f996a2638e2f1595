"""Install Mem0's clients, or skip with the reason where they cannot be."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from .registries import NPM, cached, install

# Of n8n the first version, which needs no newer Node, and a third of the room.
NODE_PACKAGES = [
    "mem0ai@3.3.1", "@mem0/cli@0.2.13", "@mem0/vercel-ai-provider@3.0.2",
    "@mem0/n8n-nodes-mem0@0.1.4", "n8n-workflow@1.83.0",
]  # fmt: skip

# What the Python client needs when it is imported: the same for all its versions.
PYTHON_DEPENDENCIES = [
    "httpx", "pydantic", "posthog", "pytz", "openai", "qdrant-client", "sqlalchemy",
]  # fmt: skip


def install_node_packages() -> Path:
    if shutil.which("npm") is None:
        pytest.skip("there is no Node here")
    folder = cached("mem0-node")
    install(folder, *NPM, *NODE_PACKAGES)
    return folder


def install_python_packages(folder: Path, *packages: str) -> None:
    install(
        folder, sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), *packages
    )


def install_python_client(version: str) -> str:
    """Return the PYTHONPATH with which Python finds it."""
    needed, own = cached("mem0-needs"), cached(f"mem0ai-{version}")
    install_python_packages(needed, *PYTHON_DEPENDENCIES)
    install_python_packages(own, "--no-deps", f"mem0ai=={version}")
    return f"{own}:{needed}"
