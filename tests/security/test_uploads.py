"""Uploads of archives leave nothing behind, and one user has one at a time."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.backups.archive_factory import Original
from tests.deadline import SECONDS, eventually
from tests.shared_server import SharedServer

MEGABYTE = 1024 * 1024
BOUNDARY = "b0undary"
FORM = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n'
    "Content-Type: application/zip\r\n\r\n"
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()


class Upload:
    """An upload that sends as much of its body as a test wants."""

    def __init__(self, server: SharedServer, key: str, size: int, query: str = "") -> None:
        self._socket = socket.create_connection(("127.0.0.1", server.port), SECONDS)
        self.send(
            f"POST /api/v1/backup/import{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {key}\r\nContent-Length: {size}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode()
        )

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Read the response, after which the connection is closed."""
        with self._socket, http.client.HTTPResponse(self._socket) as response:
            response.begin()
            return response.status, json.loads(response.read())

    def abort(self) -> None:
        self._socket.close()


@contextmanager
def begun(server: SharedServer, key: str) -> Iterator[Upload]:
    """An upload of 100 MB of which 3 have arrived."""
    assert eventually(lambda: not scratch_files(server))  # of the test before
    upload = Upload(server, key, 100 * MEGABYTE)
    try:
        upload.send(FORM + bytes(3 * MEGABYTE))
        assert eventually(lambda: scratch_files(server))
        yield upload
    finally:
        upload.abort()


def scratch_files(server: SharedServer) -> list[str]:
    """The files in the scratch folder, those that have no name too."""
    folder = server.state_dir / "scratch"
    files = [str(path) for path in folder.rglob("*")] if folder.exists() else []
    for process in server.tree():
        with suppress(psutil.Error, OSError):
            for fd in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(OSError):
                    if (target := str(fd.readlink())).startswith(str(folder)):
                        files.append(target)
    return files


@pytest.fixture
def key(shared_server: SharedServer, request: pytest.FixtureRequest) -> str:
    return make_key(shared_server, request.node.name)


def make_key(server: SharedServer, user_id: str) -> str:
    return str(server.call("POST", "/users", json={"user_id": user_id})["api_key"])


def test_an_upload_whose_client_leaves_is_gone(shared_server: SharedServer, key: str) -> None:
    with begun(shared_server, key):
        pass

    assert eventually(lambda: not scratch_files(shared_server))


def test_an_upload_that_is_no_archive_is_gone(shared_server: SharedServer, key: str) -> None:
    body = FORM + bytes(2 * MEGABYTE) + END
    upload = Upload(shared_server, key, len(body))
    upload.send(body)

    assert upload.answer()[0] == 400
    assert eventually(lambda: not scratch_files(shared_server))


def test_an_upload_whose_process_is_killed_is_gone(shared_server: SharedServer, key: str) -> None:
    with begun(shared_server, key):
        holder = next(
            process
            for process in shared_server.tree()
            if any("scratch" in str(fd.readlink()) for fd in fds_of(process))
        )
        holder.kill()

        assert eventually(lambda: not scratch_files(shared_server))
    assert eventually(shared_server.is_ready)


def fds_of(process: psutil.Process) -> list[Path]:
    with suppress(OSError):
        return [fd for fd in Path(f"/proc/{process.pid}/fd").iterdir() if fd.is_symlink()]
    return []


def test_a_second_import_of_a_user_is_refused_before_its_body_is_sent(
    shared_server: SharedServer, key: str
) -> None:
    other = make_key(shared_server, "uploader-beside")
    archive = FORM + Original("uploader-beside").zipped() + END
    with begun(shared_server, key):
        for query in ("", "?dry_run=true"):
            for _ in range(4):  # whichever process answers
                second = Upload(shared_server, key, 100 * MEGABYTE, query)
                status, problem = second.answer()
                assert (status, problem["code"]) == (409, "import_under_way")
        beside = Upload(shared_server, other, len(archive))
        beside.send(archive)
        assert beside.answer()[0] == 200

    assert eventually(lambda: can_import(shared_server, key))


def can_import(server: SharedServer, key: str) -> bool:
    body = FORM + Original("somebody").zipped() + END
    upload = Upload(server, key, len(body))
    upload.send(body)
    return upload.answer()[0] == 200
