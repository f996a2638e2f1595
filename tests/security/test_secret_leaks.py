"""Secrets of a running server: nobody finds them in its output, its processes or its files."""

from __future__ import annotations

import shutil
import signal
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.deadline import SECONDS, eventually
from tests.free_ports import free_port
from tests.server.processes import Server

pytestmark = [pytest.mark.attacks, pytest.mark.slow]

SECRETS = {
    "OPENMEMORY_SECRET_KEY": "quokka-secret-key-of-fifty-characters-0123456789abcdef",
    "OPENAI_API_KEY": "sk-quokka-environment",
    "GITHUB_TOKEN": "ghp-quokka-unrelated",
}
STORED = "sk-quokka-stored-in-the-configuration"
USED = "om_quokka-made-up-and-not-valid"

# These may have the key of the server, or what it is encrypted with: only their owner reads them.
KEY_FILES = {"api_key", "secret_key"}


@pytest.fixture(scope="module")
def used_server():
    """A server that has had failures with every secret, and all that it wrote about them."""
    server = Server(Path(tempfile.mkdtemp(prefix="om-")), **SECRETS)
    try:
        server.start()
        use(server)
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(server.state_dir)


def use(server):
    """Fail wherever a key is at hand: at a model that is away, in a job, in a request."""
    away = f"http://127.0.0.1:{free_port()}/v1"
    for key in (STORED, "env:OPENAI_API_KEY", "env:GITHUB_TOKEN"):
        for path in ("llm", "embedder"):
            config = {"model": "m", "api_key": key, "openai_base_url": away}
            body = {"provider": "openai", "config": config}
            answer = call(server, "PUT", f"/config/mem0/{path}", json=body)
            assert answer.status_code == (200 if key == STORED else 400), answer.text
    call(server, "POST", "/memories", json={"text": "I like tea", "infer": True})
    call(server, "POST", "/memories/search", json={"query": "tea"})
    call(server, "GET", f"/users/me?key={STORED}")
    headers = {"Authorization": f"Bearer {USED}"}
    requests.get(f"{server.url}/api/v1/users/me", headers=headers, timeout=SECONDS)
    call(server, "POST", "/backup/export", json={}, prefer="respond-async")
    assert eventually(lambda: is_idle(server))


def call(server, method, path, prefer="", **request):
    headers = {"Authorization": f"Bearer {server.key}", "Prefer": prefer}
    url = f"{server.url}/api/v1{path}"
    return requests.request(method, url, headers=headers, timeout=SECONDS, **request)


def is_idle(server):
    """Whether the export is done, and each job about a model has failed at least once."""
    jobs = call(server, "GET", "/jobs?page_size=100").json()["items"]
    exports = [job["state"] for job in jobs if job["kind"] == "export"]
    return exports == ["succeeded"] and not any(job["state"] == "running" for job in jobs)


def secrets_of(server):
    return {*SECRETS.values(), STORED, USED, server.key}


def test_no_argument_of_a_process_is_a_secret(used_server):
    arguments = [" ".join(process.cmdline()) for process in used_server.tree()]

    assert len(arguments) > 5
    assert [
        line for line in arguments if any(each in line for each in secrets_of(used_server))
    ] == []


def test_the_services_do_not_have_the_environment_of_the_server(used_server):
    services = [
        process
        for process in used_server.tree()
        if process.name().startswith(("postgres", "valkey"))
    ]

    assert {process.name()[:6] for process in services} == {"postgr", "valkey"}
    for process in services:
        memory = Path(f"/proc/{process.pid}/environ").read_bytes().decode(errors="replace")
        assert not [secret for secret in SECRETS.values() if secret in memory]


def test_only_its_owner_reads_the_files_of_the_server(used_server):
    open_to_others = [
        path.relative_to(used_server.state_dir)
        for path in [used_server.state_dir, *used_server.state_dir.rglob("*")]
        # PostgreSQL's files have an account and a folder of their own.
        if not path.is_relative_to(used_server.state_dir / "postgres" / "data")
        if not path.is_symlink() and path.stat().st_mode & 0o077
    ]

    assert open_to_others == []
    assert stat.S_IMODE((used_server.state_dir / "postgres" / "data").stat().st_mode) == 0o700


def test_no_answer_of_the_api_has_a_secret(used_server):
    for path in ("/config", "/jobs?page_size=100", "/keys", "/users/me", "/memories", "/stats"):
        answer = call(used_server, "GET", path)
        assert answer.status_code == 200
        assert not [each for each in secrets_of(used_server) if each in answer.text], path


def test_no_file_and_no_output_has_a_secret(used_server):
    """It ends the server, so that all is written, and starts it again for the other tests."""
    secrets = {each.encode() for each in secrets_of(used_server)}
    used_server.end(signal.SIGINT)
    used_server.wait_for("Stopped.")

    found = [
        (path.relative_to(used_server.state_dir), secret)
        for path in used_server.state_dir.rglob("*")
        if path.is_file() and path.name not in KEY_FILES
        for secret in secrets
        if secret in read(path)
    ]

    assert found == []
    assert not [each for each in secrets if each.decode() in used_server.said]
    used_server.start()


def read(path):
    with suppress(FileNotFoundError):  # a file that a job has ended with
        return path.read_bytes()
    return b""
