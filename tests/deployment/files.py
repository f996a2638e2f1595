"""What the files in docker/ say, as tests ask for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
COMPOSE, EMBEDDED = DOCKER / "compose.yaml", DOCKER / "compose.embedded.yaml"
KUBERNETES = DOCKER / "kubernetes"

_VARIABLE = re.compile(r"\$\{\w+:-(.*?)\}")


def compose(path: Path = COMPOSE) -> dict[str, Any]:
    """Read it as it is without any variable set."""
    found: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(r"\1", path.read_text()))
    return found


def manifests() -> list[dict[str, Any]]:
    """Everything that the kustomization names, in its order."""
    named = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [each for name in named for each in yaml.safe_load_all((KUBERNETES / name).read_text())]


def image_environment() -> dict[str, str]:
    """The variables that the Dockerfile sets."""
    (block,) = re.findall(r"^ENV (.*?[^\\])$", dockerfile(), re.MULTILINE | re.DOTALL)
    pairs = (pair.split("=", 1) for pair in block.replace("\\\n", " ").split())
    return {name: value for name, value in pairs if name != "PATH"}


def dockerfile() -> str:
    return (DOCKER / "Dockerfile").read_text()
