"""After an erasure with `--scrub`, none of a person's words is in any file of the server."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest
import requests

from embedded.state_folder import database_settings
from tests.deadline import SECONDS, eventually
from tests.server.processes import Server

pytestmark = pytest.mark.slow


# In what they said, how they and their apps and keys are called, and in names made of it.
WORD = "xylocarp"
PERSON = f"{WORD}-ada"
DONE = {"succeeded", "failed", "cancelled"}


class Person:
    def __init__(self, server: Server, key: str) -> None:
        self.url = f"{server.url}/api/v1"
        self.headers = {"Authorization": f"Bearer {key}"}

    def call(self, method: str, path: str, **request) -> requests.Response:
        headers = {**self.headers, **request.pop("headers", {})}
        answer = requests.request(
            method, f"{self.url}{path}", headers=headers, timeout=SECONDS, **request
        )
        assert answer.status_code < 300, answer.text
        return answer


@pytest.fixture
def server():
    folder = Path(tempfile.mkdtemp(prefix="om-"))
    server = Server(
        folder / "var", USER="keeper", OPENMEMORY_BACKUP_FOLDER=str(folder / "var" / "backups")
    )
    try:
        server.start()
        yield server
    finally:
        server.kill_everything()
        shutil.rmtree(folder)


def manage(server, *arguments):
    running = server.manage(*arguments)
    said, _ = running.communicate(timeout=SECONDS)
    assert running.returncode == 0, said
    return said


def run_sql(server, statement, *values):
    where = database_settings(server.state_dir)
    with psycopg.connect(
        host=where["HOST"], port=where["PORT"], user=where["USER"], dbname=where["NAME"]
    ) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def has_word(data):
    return WORD.encode() in bytes(data).lower()


def files_with_the_word(server):
    files = [path for path in server.state_dir.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(server.state_dir))
        for path in files
        if has_word(str(path).encode()) or has_word(path.read_bytes())
    }


def tables_with_the_word(server):
    names = run_sql(server, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = {name: run_sql(server, f"SELECT t::text FROM {name} AS t") for (name,) in names}
    return {name for name in rows if any(has_word(row.encode()) for (row,) in rows[name])}


def live_a_life(server, keeper):
    """Put the word wherever a person's words can come to."""
    made = keeper.call(
        "POST",
        "/users",
        json={
            "user_id": PERSON,
            "name": f"Ada {WORD}",
            "email": f"ada@{WORD}.example",
            "metadata": {"of": WORD},
        },
    )
    person = Person(server, made.json()["api_key"])
    app = f"{WORD}-notes"
    texts = [f"The {WORD} number {number} grows in the garden" for number in range(40)]
    ids = [
        person.call(
            "POST", "/memories", json={"text": text, "app": app, "metadata": {"kind": WORD}}
        ).json()["id"]
        for text in [*texts, WORD * 900]
    ]
    person.call("PUT", f"/memories/{ids[0]}", json={"memory_content": f"No {WORD} grows"})
    person.call("DELETE", f"/memories/{ids[1]}")
    person.call("POST", "/memories/search", json={"query": f"Where does {WORD} grow?", "app": app})
    person.call("POST", "/keys", json={"name": f"the {WORD} key", "app": app})
    [found] = [each for each in person.call("GET", "/apps/").json()["apps"] if each["name"] == app]
    person.call("PUT", f"/apps/{found['id']}", json={"is_active": True})
    person.call("POST", f"/apps/{found['id']}/rules", json={"memory_id": ids[0], "effect": "deny"})
    archive = person.call("POST", "/backup/export", json={}).content
    for method, path, body in (
        ("POST", "/backup/export", {"json": {}}),
        ("POST", "/backup/import", {"files": {"file": ("of-ada.zip", archive)}}),
    ):
        job = person.call(method, path, headers={"Prefer": "respond-async"}, **body)
        where = f"/jobs/{job.json()['id']}"
        assert eventually(lambda where=where: person.call("GET", where).json()["state"] in DONE)
    run_sql(
        server,
        "INSERT INTO memories_category (id, name, description, created_at, updated_at)"
        " VALUES (gen_random_uuid(), %s, '', now(), now())",
        f"{WORD}s",
    )
    run_sql(
        server,
        "INSERT INTO memories_categorization (memory_id, user_id, category_id)"
        " SELECT memory.id, user_id, category.id"
        " FROM memories_memory AS memory, memories_category AS category"
        " WHERE memory.id = %s AND category.name = %s",
        ids[2],
        f"{WORD}s",
    )
    # What the planner knows of a column is a sample of it.
    run_sql(server, "ANALYZE")
    manage(server, "backup_all", str(server.state_dir / "backups"))
    return person


def test_no_file_of_the_server_has_a_word_of_who_was_erased(server):
    keeper = Person(server, server.key)
    keeper.call("POST", "/memories", json={"text": "The keeper keeps bees"})
    person = live_a_life(server, keeper)
    assert tables_with_the_word(server) >= {
        "accounts_user",
        "accounts_apikey",
        "apps_registry_app",
        "memories_category",
        "memories_memory",
        "memories_revision",
    }
    assert any("postgres" in file for file in files_with_the_word(server))
    assert any("backups" in file for file in files_with_the_word(server))

    said = manage(server, "erase_user", PERSON, "--yes", "--scrub", "--json", "--quiet")

    told = json.loads(said.splitlines()[-1])
    assert told["counts"]["Memory"] == 41
    refused = requests.get(f"{person.url}/memories", headers=person.headers, timeout=SECONDS)
    assert refused.status_code == 401
    assert tables_with_the_word(server) == set()
    assert keeper.call("GET", "/memories").json()["total"] == 1
    assert files_with_the_word(server) == set()
    assert server.end(signal.SIGINT) == 0
    assert files_with_the_word(server) == set()
