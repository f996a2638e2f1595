from __future__ import annotations

import shutil

import pytest

from tests.plug_ins.hook import Home, load_program


@pytest.fixture
def program(monkeypatch, home):
    """The program in this process, which starts no other."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home.folder))
    loaded = load_program()
    monkeypatch.setattr(loaded, "start_flush", lambda: None)
    return loaded


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    yield home
    # A process that waits for a server ends when there is nothing to send.
    shutil.rmtree(home.state, ignore_errors=True)
