from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from embedded import sockets, state_folder
from embedded.errors import ServiceFailed


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_state_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    assert mode(state_folder.ensure_private(tmp_path / "a" / "var")) == 0o700


def test_a_state_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    state_folder.ensure_private(tmp_path)

    assert mode(tmp_path) == 0o700


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    first = state_folder.secret_key(tmp_path)

    assert len(first) > 50
    assert state_folder.secret_key(tmp_path) == first
    assert mode(tmp_path / "secret_key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_many_who_make_the_secret_key_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: state_folder.secret_key(tmp_path), range(100)))

    assert len(keys) == 1
    assert keys != {""}


def test_a_state_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ImproperlyConfigured, match=r"state folder .* is not usable"):
        state_folder.secret_key(tmp_path / "file" / "var")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_state_folder_of_another_user_is_refused_even_to_root(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)

    with pytest.raises(ImproperlyConfigured, match="belongs to another user"):
        state_folder.secret_key(tmp_path)


def test_a_socket_stands_in_the_folder_of_its_service() -> None:
    folder = state_folder.socket_folder(Path("/srv/openmemory/var"), "postgres")

    assert folder == Path("/srv/openmemory/var/postgres")


@pytest.mark.parametrize("name", ["x" * 90, "ä" * 45, "with, comma"])
def test_a_path_that_does_for_no_socket_is_replaced_by_a_short_one(name: str) -> None:
    state_dir = Path("/srv") / name

    folder = state_folder.socket_folder(state_dir, "postgres")

    assert folder == state_folder.socket_folder(state_dir, "postgres")
    assert folder != state_folder.socket_folder(state_dir / "other", "postgres")
    assert folder.parent == Path("/tmp")
    assert len(os.fsencode(folder / state_folder.POSTGRES_SOCKET)) <= state_folder.MAX_SOCKET_PATH


def test_a_folder_for_sockets_that_somebody_else_put_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "sockets").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ServiceFailed, match="Another user owns"):
        sockets.ensure_private_folder(tmp_path / "sockets", os.geteuid(), os.getegid())


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "api_key"

    state_folder.write_private(path, "first")
    state_folder.write_private(path, "second")

    assert path.read_text() == "second"
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_address_of_the_broker_may_have_any_path() -> None:
    assert state_folder.broker_url(Path("/a b/ä")) == "unix:///a%20b/%C3%A4/valkey/valkey.sock"
