"""The plug-ins for coding agents, and the command that installs one."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings

FOLDER = Path(settings.BASE_DIR) / "plugins"

# Only these are served: the content types by the ends of names.
CONTENT_TYPES = {".json": "application/json", ".md": "text/markdown", ".py": "text/x-python"}

BUNDLE = "bundle.json"

PLUG_INS = {"claude-code": "Claude Code", "codex": "Codex", "cursor": "Cursor"}

# Runs nothing whose hash is not the one that came with the command.
_LOADER = (
    "import hashlib,json,urllib.request as u;b=u.urlopen({url}).read();"
    'hashlib.sha256(b).hexdigest()=="{sha256}" or exit("This is not the file that was named.");'
    'exec(json.loads(b)["install.py"],{{"BUNDLE":b,"__name__":"__main__"}})'
)


@dataclass(frozen=True)
class PlugInFile:
    content: bytes
    content_type: str
    sha256: str


@cache
def load_files() -> Mapping[str, PlugInFile]:
    """Load what is served, by its path below /plugins/. A path of a request is only looked up."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in CONTENT_TYPES)
    texts = {path.relative_to(FOLDER).as_posix(): path.read_text() for path in paths}
    files = {
        name: _file(text.encode(), CONTENT_TYPES[Path(name).suffix]) for name, text in texts.items()
    }
    bundle = json.dumps(texts, sort_keys=True).encode()
    return {**files, BUNDLE: _file(bundle, CONTENT_TYPES[".json"])}


def _file(content: bytes, content_type: str) -> PlugInFile:
    return PlugInFile(content, content_type, hashlib.sha256(content).hexdigest())


def install_command(client: str, *, url: str, key: str, app: str = "") -> str:
    """The shell command that installs a plug-in. `app` if the key is not bound to one."""
    server = url.rstrip("/")
    address = json.dumps(f"{server}/plugins/{BUNDLE}")
    loader = _LOADER.format(url=address, sha256=load_files()[BUNDLE].sha256)
    command = ["python3", "-c", loader, client, server, key]
    return shlex.join([*command, "--app", app] if app else command)
