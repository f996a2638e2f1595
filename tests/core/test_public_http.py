"""Requests to addresses that others name: where they go, and what bounds them."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import public_http
from core.public_http import (
    DeadlinePassed,
    DestinationRefused,
    DestinationUnreachable,
    Policy,
    UnknownHost,
    check_url,
    send,
)

INTERNET = Policy("OPENMEMORY_HOSTS", ())
SECURE = Policy("OPENMEMORY_HOSTS", (), ("https",), (443,))

PRIVATE = [
    "127.0.0.1", "localhost", "LOCALHOST.", "[::1]", "10.0.0.1", "192.168.1.1", "172.16.0.1",
    "0.0.0.0", "100.64.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "224.0.0.1",
    "255.255.255.255", "[::]", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[::127.0.0.1]",
]  # fmt: skip
LINK_LOCAL = ["169.254.169.254", "[fe80::1]", "168.63.129.16", "100.100.100.200", "0xa9fea9fe"]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers)))
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/other")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):
            if self.path == "/drip":
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
            self.wfile.write(b"x" * 1000)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def web():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.requests = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def url(web):
    web.requests.clear()
    return f"http://localhost:{web.server_port}"


@pytest.fixture
def local(web):
    return Policy("OPENMEMORY_HOSTS", [f"localhost:{web.server_port}"])


def resolve_to(monkeypatch, *addresses):
    asked = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.attacks
@pytest.mark.parametrize("host", PRIVATE + LINK_LOCAL)
def test_private_addresses_are_refused(host):
    for check in (check_url, lambda url, policy: send("GET", url, policy)):
        with pytest.raises(DestinationRefused):
            check(f"http://{host}/", INTERNET)


@pytest.mark.attacks
@pytest.mark.parametrize("address", [each.strip("[]") for each in PRIVATE[3:] + LINK_LOCAL])
def test_names_of_private_addresses_are_refused(address, monkeypatch):
    resolve_to(monkeypatch, "8.8.8.8", address)

    with pytest.raises(DestinationRefused):
        send("GET", "https://x.example/", SECURE)


@pytest.mark.attacks
def test_no_list_permits_a_clouds_metadata():
    policy = Policy("OPENMEMORY_HOSTS", ["169.254.169.254"])

    with pytest.raises(DestinationRefused, match="link-local"):
        send("GET", "http://169.254.169.254/", policy)


@pytest.mark.attacks
@pytest.mark.parametrize(
    "url",
    [
        "", "x", "//x.example/", "ftp://x.example/", "file:///etc/passwd", "https://",
        "https://user@x.example/", "https://user:secret@x.example/", "https://x.example:port/",
        "https://x.example:99999/", "https://x exa.mple/", "https://[::1/", "https://x\n.example/",
        "https://8.8.8.8\\@127.0.0.1/", "gopher://x.example/", "https://127.0.0.1#@x.example/",
    ],
)  # fmt: skip
def test_what_is_no_url_is_refused(url):
    with pytest.raises(DestinationRefused):
        check_url(url, INTERNET)


@pytest.mark.attacks
def test_the_address_that_was_checked_is_the_one_that_is_asked(url, local, web, monkeypatch):
    """A name that leads elsewhere at its second lookup gains nothing: there is none."""
    asked = resolve_to(monkeypatch, "127.0.0.1")

    assert send("GET", f"{url}/a?b=c", local).status == 200

    assert asked == ["localhost"]
    [(path, headers)] = web.requests
    assert (path, headers["Host"]) == ("/a?b=c", f"localhost:{web.server_port}")


def test_the_next_address_is_asked_if_one_does_not_answer(url, local, monkeypatch):
    resolve_to(monkeypatch, "::1", "127.0.0.1")

    assert send("GET", url, local).status == 200


@pytest.mark.attacks
def test_a_redirect_is_not_followed(url, local, web):
    assert send("GET", f"{url}/away", local).status == 302
    assert [path for path, _ in web.requests] == ["/away"]


@pytest.mark.attacks
def test_an_answer_is_read_to_its_bound(url, local):
    assert len(send("GET", url, local, max_bytes=10).body) == 11
    assert send("POST", url, local, body=b"{}").body == b""


@pytest.mark.attacks
def test_an_answer_in_drips_is_cut_off(url, local):
    with pytest.raises(DeadlinePassed):
        send("GET", f"{url}/drip", local, seconds=0.3, max_bytes=1000)


@pytest.mark.attacks
def test_a_lookup_that_hangs_is_given_up(monkeypatch):
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(60) and [])

    with pytest.raises(DeadlinePassed):
        send("GET", "https://x.example/", SECURE, seconds=0.1)
    done.set()


def test_an_unknown_host_is_named(monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(UnknownHost, match=r"x\.example"):
        send("GET", "https://x.example/", SECURE)


@pytest.mark.attacks
@pytest.mark.parametrize("port", [22, 80, 8443])
def test_another_port_is_refused_where_one_is_meant(port):
    with pytest.raises(DestinationRefused, match="OPENMEMORY_HOSTS"):
        send("GET", f"https://8.8.8.8:{port}/", SECURE)


def test_a_host_that_is_listed_may_be_private(url, web):
    for name in ("localhost", f"localhost:{web.server_port}"):
        assert send("GET", url, Policy("OPENMEMORY_HOSTS", [name])).status == 200


def test_no_answer_is_an_error_of_its_own(web):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    with pytest.raises(DestinationUnreachable, match="Refused"):
        send("GET", f"http://localhost:{port}/", Policy("OPENMEMORY_HOSTS", ["localhost"]))


def test_a_name_beyond_ascii_is_sent_encoded(monkeypatch):
    asked = resolve_to(monkeypatch, "10.0.0.1")

    with pytest.raises(DestinationRefused):
        send("GET", "https://exämple.org/ü", SECURE)
    assert asked == ["xn--exmple-cua.org"]
    assert public_http.Target.parse("https://exämple.org/ü?ü", SECURE).path == "/%C3%BC?%C3%BC"
