"""Every block of docs/python.md, run in its order as one program."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import fences

ROOT = Path(settings.BASE_DIR)


@pytest.mark.slow
def test_the_page_does_what_it_says(shared_server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "clients" / "python" / "src"), *sys.path])
    key = shared_server.call("POST", "/users", json={"user_id": "python-page"})["api_key"]
    blocks = [
        each for each in fences.read(ROOT / "docs" / "python.md") if each.language == "python"
    ]
    code = "\n".join(block.code for block in blocks)
    code = code.replace("http://127.0.0.1:8000", shared_server.url).replace("om_...", key)
    said, names = io.StringIO(), dict[str, Any]()

    with redirect_stdout(said):
        exec(compile(code, "docs/python.md", "exec"), names)
    names["client"].close()

    lines = said.getvalue().splitlines()
    assert lines[0].startswith("Ann likes tea 20")
    assert lines[-2:] == ["precondition_failed", "1"]
