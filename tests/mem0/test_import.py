import json
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import CommandError, call_command

from memories.models import Memory

ROWS = [
    {
        "id": "0f0e0d0c-0b0a-4908-8706-050403020100",
        "memory": "I like tea",
        "user_id": "ann",
        "agent_id": "cook",
        "app_id": None,
        "session_id": "r1",
        "metadata": {"a": 1},
        "categories": ["food"],
        "created_at": "2024-01-15T10:30:00-08:00",
        "updated_at": "2024-02-15T10:30:00-08:00",
        "expiration_date": "2099-01-31",
    },
    {"id": "abc", "memory": "Without an id of its own", "user_id": "ben"},
    {"id": "x", "memory": None},
]


def run(path, *arguments):
    call_command("import_mem0", str(path), *arguments)


@pytest.fixture
def export(tmp_path):
    path = tmp_path / "export.json"
    path.write_text(json.dumps({"results": ROWS}))
    return path


def test_ids_and_times_are_kept(shop, export, capsys):
    run(export, "--key", shop.member.secret)

    assert "2 memories created" in capsys.readouterr().out
    shown = shop.get(f"/v1/memories/{ROWS[0]['id']}/").json()
    assert shown["created_at"] == "2024-01-15T18:30:00+00:00"
    assert shown["updated_at"] == "2024-02-15T18:30:00+00:00"
    assert shown["categories"] == ["food"]
    assert (shown["user_id"], shown["agent_id"], shown["run_id"]) == ("ann", "cook", "r1")
    assert (shown["metadata"], shown["expiration_date"]) == ({"a": 1}, "2099-01-31")
    entities = shop.get("/v1/entities/").json()["results"]
    assert {each["name"] for each in entities} == {"ann", "ben", "cook", "r1"}


def test_twice_changes_nothing_and_a_dry_run_neither(shop, export, capsys):
    run(export, "--user", "alice", "--dry-run")
    assert not Memory.objects.exists()
    run(export, "--user", "alice")
    before = sorted(Memory.objects.values_list("pk", "updated_at", "version"))

    run(export, "--user", "alice")

    assert "0 memories created, 2 already here" in capsys.readouterr().out
    assert sorted(Memory.objects.values_list("pk", "updated_at", "version")) == before


def test_another_account_gets_ids_of_its_own(shop, rival, export):
    run(export, "--user", "alice")
    run(export, "--user", "bob")
    run(export, "--user", "bob")

    assert Memory.objects.count() == 4
    assert rival.texts({"user_id": "ann"}) == {"I like tea"}


def test_lines_of_json_are_read(shop, tmp_path):
    path = tmp_path / "export.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in ROWS[:2]))

    run(path, "--user", "alice")

    assert Memory.objects.count() == 2


@pytest.mark.parametrize(
    "content",
    [
        "{", "7", '"x"', "[7]", '{"results": 7}',
        json.dumps([ROWS[0], {"memory": "x", "user_id": "a" * 300}]),
        json.dumps([ROWS[0], {"memory": "x", "created_at": "soon"}]),
        json.dumps([ROWS[0], {"memory": "x", "metadata": 7}]),
        json.dumps([ROWS[0], {"memory": "x" * 40_000}]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_writes_nothing(shop, tmp_path, content):
    path = tmp_path / "export.json"
    path.write_text(content)

    with pytest.raises(CommandError):
        run(path, "--user", "alice")

    assert not Memory.objects.exists()


def test_an_account_must_be_named(db, export):
    with pytest.raises(CommandError, match="--user"):
        run(export, "--key", "nonsense")


class Mem0(ThreadingHTTPServer):
    """Mem0's platform; or with `is_own`, the server that one runs oneself, which has no pages."""

    def __init__(self, rows, is_own=False):
        self.rows, self.is_own, self.calls, self.busy = rows, is_own, [], 0
        super().__init__(("127.0.0.1", 0), Mem0Handler)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method, path, query, body):
        if self.busy:
            self.busy -= 1
            return 429, {"detail": "Slow down."}
        if (method, path) == ("POST", "/v3/memories/") and not self.is_own:
            number, size = int(query["page"]), int(query["page_size"])
            begin = (number - 1) * size
            assert {"user_id": "*"} in body["filters"]["OR"]
            more = f"{self.url}/v3/memories/?page={number + 1}"
            results = self.rows[begin : begin + size]
            follows = more if begin + size < len(self.rows) else None
            return 200, {"count": len(self.rows), "next": follows, "results": results}
        if (method, path) == ("GET", "/memories") and self.is_own:
            name = query.get("user_id")
            rows = [row for row in self.rows if name in (None, row["user_id"])]
            return 200, {"results": rows[:1000]}
        if (method, path) == ("GET", "/entities") and self.is_own:
            names = sorted({row["user_id"] for row in self.rows})
            return 200, [{"id": name, "type": "user", "total_memories": 1} for name in names]
        return 404, {"detail": "Not Found"}


class Mem0Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self):
        self._answer(None)

    def _answer(self, body):
        url = urlsplit(self.path)
        self.server.calls.append((self.path, self.headers["Authorization"]))
        query = dict(parse_qsl(url.query))
        status, data = self.server.answer(self.command, url.path, query, body)
        content = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@contextmanager
def serving(rows, **kind):
    with Mem0(rows, **kind) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def rows_of(*names, each):
    return [
        {"id": str(uuid.uuid4()), "memory": f"I like tea number {number}", "user_id": name,
         "created_at": "2024-01-15T10:30:00-08:00", "updated_at": "2024-02-15T10:30:00-08:00"}
        for name in names for number in range(each)
    ]  # fmt: skip


def test_the_api_of_the_platform_is_read_page_by_page(shop, capsys, settings):
    rows = [*ROWS[:1], *rows_of("ann", "ben", each=101)]
    with serving(rows) as mem0:
        mem0.busy = 1
        run(mem0.url, "--user", "alice", "--source-key", "theirs", "--dry-run")
        assert not Memory.objects.exists()
        run(mem0.url, "--user", "alice", "--source-key", "theirs")
        before = sorted(Memory.objects.values_list("pk", "created_at", "updated_at", "version"))
        run(mem0.url, "--user", "alice", "--source-key", "theirs")

    assert {key for _, key in mem0.calls} == {"Token theirs"}
    assert [path for path, _ in mem0.calls[:3]] == [
        *["/v3/memories/?page=1&page_size=200"] * 2, "/v3/memories/?page=2&page_size=200"
    ]  # fmt: skip
    assert len(before) == 203
    assert {str(pk) for pk, *_ in before} == {row["id"] for row in rows}
    assert {(created.isoformat(), updated.isoformat()) for _, created, updated, _ in before} == {
        ("2024-01-15T18:30:00+00:00", "2024-02-15T18:30:00+00:00")
    }
    after = sorted(Memory.objects.values_list("pk", "created_at", "updated_at", "version"))
    assert after == before
    assert "0 memories created, 203 already here" in capsys.readouterr().out


def test_all_that_mem0s_own_server_shows_is_read(shop, capsys):
    """It lists a thousand at most, and says nothing of the others."""
    with serving(rows_of("ann", "ben", "cleo", each=400), is_own=True) as mem0:
        run(mem0.url, "--user", "alice", "--dry-run")

    assert "1,200 memories would be created" in capsys.readouterr().out
    assert len(mem0.calls) == 1 + 1 + 1 + 3


def test_what_mem0s_own_server_does_not_show_is_told(shop, capsys):
    with (
        serving(rows_of("ann", each=1_001), is_own=True) as mem0,
        pytest.raises(CommandError, match="no more memories of user ann"),
    ):
        run(mem0.url, "--user", "alice", "--dry-run")

    assert "1,000 memories would be created" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("status", "data"),
    [(401, {"detail": "Wrong key."}), (200, {"colour": "red"}), (200, 7), (500, {}), (302, {})],
)
def test_a_source_that_answers_no_memories_is_told(shop, monkeypatch, status, data):
    with serving([]) as mem0:
        monkeypatch.setattr(mem0, "answer", lambda *_: (status, data))
        with pytest.raises(CommandError):
            run(mem0.url, "--user", "alice")

    assert not Memory.objects.exists()


def test_a_source_that_is_not_there_is_told(shop):
    with pytest.raises(CommandError, match="cannot be read"):
        run("http://127.0.0.1:9", "--user", "alice")
