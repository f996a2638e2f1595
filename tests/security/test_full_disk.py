"""A full disk: clear errors, nothing acknowledged is lost, and the server recovers by itself."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
import requests

from tests.backups.archive_factory import Original
from tests.deadline import SECONDS, eventually
from tests.security.full_disk import MEGABYTE, ServerOnSmallDisk, small_disk

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def full() -> Iterator[ServerOnSmallDisk]:
    """A server with a disk that each test fills."""
    with small_disk() as disk:
        server = ServerOnSmallDisk(disk)
        try:
            server.start()
            yield server
        finally:
            server.kill_everything()


@pytest.fixture
def server(full: ServerOnSmallDisk) -> Iterator[ServerOnSmallDisk]:
    yield full
    full.free_disk()
    assert eventually(full.is_ready)


def test_writes_are_refused_reads_are_answered_and_all_goes_on(server: ServerOnSmallDisk) -> None:
    acknowledged = [remember(server, f"Before {number}") for number in range(5)]
    server.fill_disk(leave=2 * MEGABYTE)

    refused = []
    while len(refused) < 3:
        text = f"Meanwhile {secrets.token_hex(12_000)}"
        answer = server.post("/api/v1/memories", {"text": text, "infer": False})
        if answer.status_code == 200:
            acknowledged.append(text)
        else:
            refused.append(answer)
            server.fill_disk()

    for answer in refused:
        assert answer.status_code in (503, 507), answer.text
        assert answer.json()["code"] in ("disk_full", "unavailable")
    assert {"disk_full"} <= {answer.json()["code"] for answer in refused}
    assert "full" in server.get("/health/ready").json()["checks"]["disk"]
    assert "is full" in output_of_doctor(server)
    server.free_disk()
    assert eventually(server.is_ready)
    acknowledged += [remember(server, f"After {number}") for number in range(5)]
    contents = contents_of(server)
    assert [text for text in acknowledged if contents.count(text) != 1] == []
    server.fill_disk(leave=100 * MEGABYTE)


def test_a_log_of_the_database_that_cannot_be_written_to_loses_nothing(
    server: ServerOnSmallDisk,
) -> None:
    """PostgreSQL stops when it cannot write its log, and starts when it can."""
    acknowledged = [remember(server, f"Logged before {number}") for number in range(3)]
    postgres = server.child("postgres", "-D")
    supervisor = postgres.parent()
    assert supervisor is not None
    server.fill_disk()

    supervisor.suspend()  # whether recovery finds enough space is chance
    postgres.kill()
    try:
        report = output_of_doctor(server)
    finally:
        supervisor.resume()
    assert "The services are not responding." in report
    assert "is full" in report
    answer = try_to_remember(server, "Never")
    assert answer is None or answer.status_code in (503, 507)
    server.free_disk()

    assert eventually(server.is_ready)
    acknowledged.append(remember(server, "Logged after"))
    contents = contents_of(server)
    assert [text for text in acknowledged if contents.count(text) != 1] == []
    server.fill_disk(leave=100 * MEGABYTE)


def test_exports_and_imports_stop_at_the_reserve_and_leave_nothing(
    server: ServerOnSmallDisk,
) -> None:
    remember(server, "Exported")
    server.fill_disk(leave=16 * MEGABYTE)
    archive = Original("default_user").zipped()

    export = server.post("/api/v1/backup/export", {})
    imported = send(server, archive)
    job = send(server, archive, Prefer="respond-async")

    for answer in (export, imported, job):
        assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert list((server.state_dir / "scratch").iterdir()) == []
    assert not (server.state_dir / "jobs").exists() or not any(
        path.is_file() for path in (server.state_dir / "jobs").rglob("*")
    )
    assert remember(server, "Small things are still stored")


def remember(server: ServerOnSmallDisk, text: str) -> str:
    answer = None
    assert eventually(lambda: is_stored(server, text)), answer
    return text


def is_stored(server: ServerOnSmallDisk, text: str) -> bool:
    answer = try_to_remember(server, text)
    return answer is not None and answer.status_code == 200


def try_to_remember(server: ServerOnSmallDisk, text: str) -> requests.Response | None:
    try:
        return server.post("/api/v1/memories", {"text": text, "infer": False})
    except requests.ConnectionError:
        return None


def send(server: ServerOnSmallDisk, archive: bytes, **headers: str) -> requests.Response:
    return requests.post(
        f"{server.url}/api/v1/backup/import",
        files={"file": ("archive.zip", archive)},
        headers={"Authorization": f"Bearer {server.key}", **headers},
        timeout=SECONDS,
    )


def contents_of(server: ServerOnSmallDisk) -> list[str]:
    answer = server.get("/api/v1/memories?page_size=100")
    assert answer.json()["pages"] == 1
    return [memory["content"] for memory in answer.json()["items"]]


def output_of_doctor(server: ServerOnSmallDisk) -> str:
    process = server.manage("doctor")
    output, _ = process.communicate(timeout=SECONDS)
    return output
