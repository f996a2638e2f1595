"""The event loop in front of the application, in this process, with an application that tells."""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from contextlib import contextmanager

import pytest

from server.edge import event_loop, limits
from tests.deadline import SECONDS, eventually

from .raw_http import ask, connect, head, read_answer

CHUNKED = "Transfer-Encoding: chunked"
LARGE = b"x" * (limits.RESPONSE_MEMORY_BYTES + 1)


class Streamed:
    streaming = True

    def __init__(self, chunks):
        self._chunks = chunks
        self.is_closed = False

    def __iter__(self):
        return iter(self._chunks)

    def close(self):
        self.is_closed = True


class Application:
    """Answers with what it was called with, or with what the path names."""

    def __init__(self):
        self.gate = threading.Event()
        self.calls = []
        self.streams = []

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.calls.append(path)
        refusal = environ.get("openmemory.refusal")
        if refusal:
            start_response(f"{refusal.status} Refused", [("Content-Length", "0")])
            return [b""]
        if path == "/file":
            file = tempfile.TemporaryFile()  # noqa: SIM115 - the wrapper closes it
            file.write(LARGE)
            file.seek(1)
            start_response("200 OK", [("Content-Length", str(len(LARGE) - 1))])
            return environ["wsgi.file_wrapper"](file)
        if path == "/stream":
            start_response("200 OK", [("Content-Type", "text/event-stream")])
            self.streams.append(Streamed([b"one", b"two"]))
            return self.streams[-1]
        if path == "/wait":
            self.gate.wait(SECONDS)
        try:
            content = self._answer(environ)
        except OSError as error:
            start_response("400 Bad", [("Content-Length", "0"), ("X-Why", type(error).__name__)])
            return [b""]
        start_response("200 OK", [("Content-Length", str(len(content)))])
        return [content]

    def _answer(self, environ):
        if environ["PATH_INFO"] == "/large":
            return LARGE
        length = environ.get("CONTENT_LENGTH")
        is_upload = environ.get("wsgi.input_terminated")
        body = environ["wsgi.input"].read(-1 if is_upload else int(length or 0))
        seen = {name: value for name, value in environ.items() if isinstance(value, str)}
        return json.dumps({**seen, "body": len(body), "start": body[:20].decode()}).encode()


class Edge:
    """A running event loop, as the raw requests of these tests take a server."""

    key = "no key"

    def __init__(self, application):
        self.application = application
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = event_loop.build_server(application, backlog=64, grace_seconds=1)
        self.thread = threading.Thread(target=self.server.run, args=([self.listener],))
        self.thread.start()

    def stop(self):
        self.application.gate.set()
        self.server.should_exit = True
        self.thread.join(SECONDS)
        self.listener.close()

    def post(self, path, *headers, body=b"", key=None):
        return ask(self, head(self, "POST", path, *headers, key=key) + body)


@contextmanager
def running():
    edge = Edge(Application())
    try:
        yield edge
    finally:
        edge.stop()


@pytest.fixture
def edge(settings, tmp_path):
    with running() as started:
        yield started


def seen(answer):
    assert answer.status == 200, answer
    return json.loads(answer.body)


def test_a_request_reaches_the_application_as_it_was_sent(edge):
    request = head(edge, "GET", "/a%2Fb%20c?q=1&r=%41", "X-One: 1", "X-One:  2 ", "X_Two: 3")

    environ = seen(ask(edge, request))

    assert environ["PATH_INFO"] == "/a/b c"
    assert environ["REQUEST_URI"] == "/a%2Fb%20c"
    assert environ["QUERY_STRING"] == "q=1&r=%41"
    assert environ["HTTP_X_ONE"] == "1,2"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert "3" not in (environ.get("HTTP_X_TWO"), environ.get("X_TWO"))


def test_of_a_header_that_proxies_append_to_the_last_counts(edge):
    names = ("X-Forwarded-Proto: http, https", "Cookie: a=1", "Cookie: b=2")

    environ = seen(ask(edge, head(edge, "GET", "/", *names)))

    assert environ["HTTP_X_FORWARDED_PROTO"] == "https"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"


def test_a_connection_serves_one_request_after_the_other(edge):
    with connect(edge) as client:
        for number in range(3):
            client.sendall(head(edge, "GET", f"/{number}"))
            assert seen(read_answer(client))["PATH_INFO"] == f"/{number}"


@pytest.mark.parametrize("length", [5, limits.BODY_MEMORY_BYTES + 1])
def test_a_body_that_comes_late_is_received(edge, length):
    with connect(edge) as client:
        client.sendall(head(edge, "POST", "/", f"Content-Length: {length}", key=None))
        time.sleep(3 * limits.BODY_PROMPT_SECONDS)
        client.sendall(b"x" * (length - 1))
        client.sendall(b"y")
        assert seen(read_answer(client))["body"] == length


def test_a_body_in_chunks_is_received(edge):
    body = b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"

    environ = seen(edge.post("/", CHUNKED, body=body))

    assert (environ["body"], environ["start"]) == (5, "abcde")


def test_a_body_behind_an_offer_of_http_2_is_received(edge):
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQ")

    assert seen(edge.post("/", *offer, "Content-Length: 3", body=b"abc"))["start"] == "abc"


@pytest.mark.parametrize(
    ("request_lines", "status"),
    [
        ((CHUNKED, "Content-Length: 3"), 400),
        (("Content-Length: 3", "Content-Length: 4"), 400),
        (("Content-Length: +3",), 400),
        (("Transfer-Encoding: gzip, chunked",), 400),
        (("Host: other.example",), 400),
        (("Authorization: Bearer a", "Authorization: Bearer b"), 400),
        (tuple(f"X-{n}: 1" for n in range(limits.HEADERS + 1)), 431),
        (("X-Long: " + "x" * (limits.HEADER_BYTES + 1),), 431),
    ],
)
def test_an_ambiguous_or_oversized_head_is_refused(edge, request_lines, status):
    answer = edge.post("/", *request_lines)

    assert answer.status == status
    assert not edge.application.calls


def test_a_request_without_a_host_or_with_a_long_target_is_refused(edge):
    assert ask(edge, head(edge, "GET", "/", host=False)).status == 400
    assert ask(edge, head(edge, "GET", "/" + "x" * (limits.TARGET_BYTES + 1))).status == 414
    assert ask(edge, b"CONNECT example:443 HTTP/1.1\r\nHost: example\r\n\r\n").status == 400
    assert ask(edge, b"\x16\x03\x01 no HTTP\r\n\r\n").status == 400


def test_a_letter_that_is_not_ascii_in_the_target_is_quoted(edge):
    request = "GET /käse HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    assert seen(ask(edge, request))["REQUEST_URI"] == "/k%C3%A4se"


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(edge, settings):
    length = f"Content-Length: {settings.MAX_BODY_BYTES + 1}"

    assert edge.post("/", length).status == 413


def test_a_body_in_chunks_that_is_too_large_is_refused(edge, settings):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    with connect(edge) as client:
        client.sendall(head(edge, "POST", "/", CHUNKED, key=None))
        for _ in range(settings.MAX_BODY_BYTES // 0x10000 + 1):
            client.sendall(chunk)
        assert read_answer(client).status == 413


def test_a_body_without_a_key_is_not_waited_for(edge):
    answer = edge.post("/api/v1/memories", "Content-Length: 1000", body=b"{")

    assert answer.status == 401


def test_a_body_that_comes_too_slowly_is_given_up(edge, monkeypatch):
    monkeypatch.setattr("server.edge.request_body.BODY_GRACE_SECONDS", 0.1)

    assert edge.post("/", "Content-Length: 1000", body=b"{").status == 408


def test_a_slow_body_gives_its_place_to_another(settings, monkeypatch):
    monkeypatch.setattr(limits, "BODIES", 1)
    monkeypatch.setattr("server.edge.slots.PATIENCE_SECONDS", 0.05)
    with running() as edge, connect(edge) as slow, connect(edge) as good:
        slow.sendall(head(edge, "POST", "/slow", "Content-Length: 1000", key=None))
        time.sleep(0.2)
        good.sendall(head(edge, "POST", "/good", "Content-Length: 3", key=None))
        time.sleep(0.2)
        good.sendall(b"abc")
        assert seen(read_answer(good))["body"] == 3
        assert read_answer(slow).status in (408, 429, 503)


def test_a_client_that_leaves_in_the_middle_of_a_body_is_not_answered_for(edge):
    with connect(edge) as client:
        client.sendall(head(edge, "POST", "/gone", "Content-Length: 1000", key=None) + b"{")
    time.sleep(0.1)

    assert ask(edge, head(edge, "GET", "/next")).status == 200
    assert edge.application.calls == ["/next"]


def test_a_large_answer_and_a_file_arrive_whole(edge):
    assert ask(edge, head(edge, "GET", "/large")).body.encode() == LARGE
    assert ask(edge, head(edge, "GET", "/file")).body.encode() == LARGE[1:]


def test_of_a_file_a_head_is_answered_alone(edge):
    with connect(edge) as client:
        client.sendall(head(edge, "HEAD", "/file", "Connection: close"))
        received = b""
        while part := client.recv(65536):
            received += part

    assert received.startswith(b"HTTP/1.1 200")
    assert received.endswith(b"\r\n\r\n")


def test_a_stream_is_sent_as_it_comes_and_closed(edge):
    answer = ask(edge, head(edge, "GET", "/stream"))

    assert "3\r\none\r\n3\r\ntwo\r\n" in answer.body
    assert eventually(lambda: edge.application.streams[0].is_closed)


def test_health_is_answered_while_all_threads_are_busy(settings):
    settings.WEB_THREADS = 1
    with running() as edge, connect(edge) as busy, connect(edge) as behind:
        busy.sendall(head(edge, "GET", "/wait"))
        assert eventually(lambda: edge.application.calls == ["/wait"])
        behind.sendall(head(edge, "GET", "/behind"))

        assert ask(edge, head(edge, "GET", "/health/live")).status == 200

        assert edge.application.calls == ["/wait", "/health/live"]
        edge.application.gate.set()
        assert read_answer(busy).status == read_answer(behind).status == 200


def test_beyond_what_may_wait_for_a_thread_the_server_is_overloaded(settings, monkeypatch):
    settings.WEB_THREADS = 1
    monkeypatch.setattr("server.edge.thread_pools.WAITING_REQUESTS", 0)
    with running() as edge, connect(edge) as busy:
        busy.sendall(head(edge, "GET", "/wait"))
        assert eventually(lambda: edge.application.calls == ["/wait"])

        assert ask(edge, head(edge, "GET", "/more")).status == 503


def test_who_takes_too_long_for_the_headers_is_disconnected(edge, monkeypatch):
    monkeypatch.setattr(limits, "HEADER_SECONDS", 0)
    with connect(edge) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        assert read_answer(client).status is None


def test_the_connection_that_has_waited_longest_makes_room(edge, monkeypatch):
    monkeypatch.setattr(limits, "CONNECTIONS", 1)
    with connect(edge) as idle:
        assert eventually(lambda: len(edge.server.server_state.connections) == 1)
        assert ask(edge, head(edge, "GET", "/")).status == 200
        assert read_answer(idle).status is None


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_upload_is_read_while_it_arrives(edge, alice):
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with connect(edge) as client:
        client.sendall(head(edge, "POST", "/api/v1/backup/import", CHUNKED, key=alice.secret))
        assert eventually(lambda: edge.application.calls)
        for _ in range(40):
            client.sendall(chunk)
        client.sendall(b"0\r\n\r\n")
        assert seen(read_answer(client))["body"] == 40 * 0x10000


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_an_upload_that_stops_arriving_ends(edge, alice, monkeypatch):
    monkeypatch.setattr("server.edge.request_body.BODY_GRACE_SECONDS", 0.1)
    length = "Content-Length: 3000000"

    answer = edge.post("/api/v1/backup/import", length, body=b"x", key=alice.secret)

    assert (answer.status, "x-why: slowclient" in answer.headers) == (400, True)
    assert edge.post("/api/v1/backup/import", length, body=b"x", key="om_wrong").status == 401
