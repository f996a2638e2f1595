"""A request whose end is not certain is refused. It never counts as one without a body."""

from __future__ import annotations

import pytest

from .raw_http import Answer, ask, connect, head, read_answer

JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
ONE_CHUNK = b"2\r\n{}\r\n0\r\n\r\n"


def refused(answer: Answer) -> bool:
    return answer.status in (400, None)


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\nzz\r\n\r\n",
        b"-2\r\n{}\r\n0\r\n\r\n",
        b"+2\r\n{}\r\n0\r\n\r\n",
        b"0x2\r\n{}\r\n0\r\n\r\n",
        b" 2\r\n{}\r\n0\r\n\r\n",
        b"\r\n{}\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        b"1\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\n",
        b"2\r\n{}0\r\n\r\n",
    ],
)
def test_a_broken_chunk_is_refused(server, body):
    answer = ask(server, head(server, "POST", "/api/v1/keys", JSON, CHUNKED) + body)

    assert refused(answer)
    assert answer.is_closed or "connection: close" in answer.headers


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (CHUNKED, b"5\r\n{}"),
        (CHUNKED, b"2\r\n{}\r\n"),
        (CHUNKED, b""),
        ("Content-Length: 10", b"{}"),
        ("Content-Length: 10", b""),
    ],
)
def test_a_body_that_is_cut_off_is_refused(server, framing, body):
    request = head(server, "POST", "/api/v1/keys", JSON, framing) + body

    assert refused(ask(server, request, half_close=True))


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 2", CHUNKED),
        (CHUNKED, "Content-Length: 2"),
        ("Content-Length: 2", "Content-Length: 2"),
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: 2, 2",),
        ("Content-Length: -2",),
        ("Content-Length: +2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 2.0",),
        ("Content-Length: two",),
        ("Content-Length:",),
        ("Content-Length : 2",),
        ("Content-Length: 99999999999999999999",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Transfer-Encoding: chunked, gzip",),
        ("Transfer-Encoding: chunked, chunked",),
        ("Transfer-Encoding: identity",),
        ("Transfer-Encoding: gzip",),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked;a=b",),
        ("Transfer-Encoding:\r\n chunked",),
        ("Transfer-Encoding : chunked",),
        (CHUNKED, CHUNKED),
        (CHUNKED, "Transfer-Encoding: identity"),
    ],
    ids=str,
)
def test_ambiguous_framing_is_refused(server, headers):
    body = ONE_CHUNK if any("chunked" in header for header in headers) else b"{}"

    assert refused(ask(server, head(server, "POST", "/api/v1/keys", JSON, *headers) + body))


@pytest.mark.parametrize(
    "header", ["Host: other", "Authorization: Bearer other", "Content-Type: text/plain"]
)
def test_a_header_that_counts_once_is_refused_twice(server, header):
    answer = ask(server, head(server, "GET", "/api/v1/users/me", JSON, header))

    assert (answer.status, "is repeated" in answer.body) == (400, True)


def test_a_request_without_a_host_is_refused(server):
    assert ask(server, head(server, "GET", "/health/live", host=False)).status == 400


def test_a_chunked_body_of_http_1_0_is_refused(server):
    request = head(server, "POST", "/api/v1/keys", JSON, CHUNKED).replace(b"HTTP/1.1", b"HTTP/1.0")

    assert refused(ask(server, request + ONE_CHUNK))


def test_headers_without_end_are_refused(server):
    request = head(server, "GET", "/health/live", "X-Long: " + "a" * 70_000)[:-4]
    many = head(server, "GET", "/health/live", *(f"X-{number}: a" for number in range(200)))

    assert [ask(server, each).status for each in (request, many)] == [431, 431]


def test_a_body_behind_an_offer_of_another_protocol_is_read(server):
    """Java's client offers HTTP/2 in its first request."""
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk")
    body = b'{"text": "offered"}'
    with connect(server) as client:
        for framing, sent in [
            (f"Content-Length: {len(body)}", body),
            (CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        ]:
            client.sendall(head(server, "POST", "/api/v1/memories", JSON, *upgrade, framing) + sent)
            answer = read_answer(client)
            assert (answer.status, "offered" in answer.body) == (200, True)


def test_requests_in_one_packet_are_answered_in_their_order(server):
    requests = [head(server, "GET", path) for path in ("/health/live", "/api/v1/users/me", "/x")]
    with connect(server) as client:
        client.sendall(b"".join(requests))
        received = b""
        while received.count(b"HTTP/1.1 ") < 3 or not received.endswith((b"}", b">\n")):
            received += client.recv(65536)

    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"404"]


def test_an_address_may_be_typed_as_it_is_read(server):
    request = head(server, "GET", "/api/v1/memories?search_query=caf\xe9")

    assert ask(server, request).status == 200


def test_a_response_to_head_has_no_body(server):
    with connect(server) as client:
        client.sendall(
            head(server, "HEAD", "/api/v1/users/me") + head(server, "GET", "/health/live")
        )
        received = b""
        while not received.endswith(b'{"status": "ok"}'):
            received += client.recv(65536)

    assert received.count(b"{") == 1


@pytest.mark.parametrize("value", ["  {0}  ", "\t{0}\t", "{0} ", " {0}\t "])
def test_blanks_around_a_value_are_no_part_of_it(server, value):
    body = b'{"text": "I like tea", "infer": false}'
    headers = [
        f"Authorization:{value.format(f'Bearer {server.key}')}",
        f"Content-Length:{value.format(len(body))}",
        f"Content-Type:{value.format('application/json')}",
    ]

    answer = ask(server, head(server, "POST", "/api/v1/memories", *headers, key=None) + body)

    assert (answer.status, "I like tea" in answer.body) == (200, True)
