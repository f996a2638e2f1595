import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.api import parsers
from core.api.exception_handler import BadBody

pytestmark = pytest.mark.urls("tests.api.urls")

DEEP = 100_000


def send(client, body: bytes, content_type="application/json", path="/api/v1/echo", **environ):
    return client.generic("POST", path, body, content_type=content_type, **environ)


def chunked(client, body: bytes | io.BytesIO, path="/api/v1/echo"):
    """Send a body of unknown length, as a server passes on a chunked request."""
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True}
    return send(client, b"", path=path, CONTENT_TYPE="application/json", **environ)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_body_arrives_as_it_was_sent(client, method):
    body = {"text": 'Ünïcödé 🦊 \u2028 \\ " \t', "n": [1, -2.5, 1e300, True, None, {}]}

    answer = client.generic(
        method, "/api/v1/echo", json.dumps(body), content_type="application/json"
    )

    assert answer.status_code == 200
    assert answer.json() == {"data": body}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("content_type", ["", "application/json", "text/plain"])
def test_no_body_is_an_empty_object(client, method, content_type):
    answer = client.generic(method, "/api/v1/echo", b"", content_type=content_type)

    assert answer.json() == {"data": {}}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        'application/json; charset="utf-8"',
        "APPLICATION/JSON",
    ],
)
def test_json_in_utf8_is_read(client, content_type):
    assert send(client, '{"a": "é"}'.encode(), content_type).json() == {"data": {"a": "é"}}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "application/json; charset=bz2_codec",
        "application/json; charset=nonsense",
        "x",
        "/",
        "a" * 5000,
    ],
)
def test_what_is_not_json_in_utf8_is_415(client, content_type):
    answer = send(client, b'{"a": 1}', content_type)

    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("body", "code", "loc"),
    [
        (b" ", "not_json", []),
        (b"{", "not_json", []),
        (b'{"a": 1,}', "not_json", []),
        (b"{'a': 1}", "not_json", []),
        (b'{"a": 1} x', "not_json", []),
        (b'{"a": 01}', "not_json", []),
        (b'{"a": "\n"}', "not_json", []),
        (b'{"a": "\x00"}', "not_json", []),
        (b'{"a": NaN}', "not_json", []),
        (b'{"a": -Infinity}', "not_json", []),
        (b'{"a": 1e400}', "number_out_of_range", []),
        (b'{"a": -1e400}', "number_out_of_range", []),
        (b'{"a": 1' + b"0" * 309 + b"}", "number_out_of_range", []),
        (b'{"a": ' + b"9" * 500_000 + b"}", "number_out_of_range", []),
        (b'{"a": "\xff"}', "not_utf8", []),
        (b'{"a": "\xed\xa0\x80"}', "not_utf8", []),
        ('{"a": 1}'.encode("utf-16"), "not_utf8", []),
        (b"null", "not_an_object", []),
        (b"1", "not_an_object", []),
        (b'"a"', "not_an_object", []),
        (b"[{}]", "not_an_object", []),
        (rb'{"a": "x\u0000"}', "invalid_text", ["a"]),
        (rb'{"a": [1, {"b": "\ud800"}]}', "invalid_text", ["a", 1, "b"]),
        (rb'{"a": "\udc00\ud800"}', "invalid_text", ["a"]),
        (rb'{"a": {"x\u0000y": 1}}', "invalid_text", ["a", "x\ufffdy"]),
        (rb'{"a": {"\udfff": 1}}', "invalid_text", ["a", "\ufffd"]),
        (b'{"a": ' + b"[" * DEEP + b"]" * DEEP + b"}", "nested_too_deeply", []),
        (b'{"a":' * DEEP, "nested_too_deeply", []),
        (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "nested_too_deeply", ["a"] + [0] * 31),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_that_cannot_be_kept_is_refused_with_its_place(client, body, code, loc):
    answer = send(client, body)

    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert (error["code"], error["loc"]) == (code, ["body", *loc])
    assert answer.json()["code"] == "malformed"
    assert error["detail"].endswith(".")


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (rb'{"a": "\ud83e\udd8a"}', {"a": "🦊"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1e-400}', {"a": 0.0}),
        (b'{"a": ' + b"9" * 308 + b"}", {"a": 10**308 - 1}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', {"a": "[" * 33}),
        (b'{"a": ' + b"[" * 31 + b"]" * 31 + b"}", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_body_at_a_bound_is_read(client, body, read):
    answer = send(client, body)

    assert answer.status_code == 200
    assert read is None or answer.json() == {"data": read}


def test_an_action_that_takes_arrays_takes_objects_too(client):
    assert send(client, b"[1]", path="/api/v1/echo/many").json() == {"data": [1]}
    assert send(client, b'{"a": 1}', path="/api/v1/echo/many").json() == {"data": {"a": 1}}
    assert send(client, b'"a"', path="/api/v1/echo/many").status_code == 400


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\\u0dE-9.ntf ', max_size=200))
def test_no_body_at_all_breaks_the_parser(body):
    try:
        read = parsers.parse_json(body if isinstance(body, bytes) else body.encode())
    except BadBody:
        return
    json.dumps(read, ensure_ascii=False, allow_nan=False).encode()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
@pytest.mark.slow
def test_what_is_accepted_is_what_was_sent(value):
    try:
        read = parsers.parse_json(json.dumps(value).encode())
    except BadBody:
        written = json.dumps(value)
        assert "Infinity" in written or "\\u0000" in written or "\\ud" in written
    else:
        assert read == value


def test_a_body_at_the_bound_is_read_and_one_byte_more_is_413(client, settings):
    settings.MAX_BODY_BYTES = 100

    assert send(client, b'{"a": "%s"}' % (b"x" * 91)).status_code == 200
    answer = send(client, b'{"a": "%s"}' % (b"x" * 92))

    assert answer.status_code == 413
    assert answer.json()["code"] == "body_too_large"
    assert "100 bytes" in answer.json()["detail"]


def test_a_body_that_says_it_is_too_large_is_not_read(client):
    stream = io.BytesIO(b"x" * 10)

    answer = send(client, b"", **{"wsgi.input": stream, "CONTENT_LENGTH": str(10**12)})

    assert answer.status_code == 413
    assert stream.tell() == 0


def test_a_view_can_have_a_bound_of_its_own(client, settings):
    settings.MAX_BODY_BYTES = 100
    body = b'{"a": "%s"}' % (b"x" * 1900)

    assert send(client, body, path="/api/v1/roomy").status_code == 200
    assert chunked(client, body, path="/api/v1/roomy").status_code == 200
    assert send(client, body + b" " * 100, path="/api/v1/roomy").status_code == 413
    assert chunked(client, body + b" " * 100, path="/api/v1/roomy").status_code == 413


@pytest.mark.parametrize("length", ["x", "-1", "1.5", "+3", "1_0", "٣", " ", "9" * 30])
def test_a_length_that_is_none_is_400(client, length):
    answer = send(client, b"", CONTENT_LENGTH=length)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"


def test_a_chunked_body_is_a_body(client):
    assert chunked(client, b'{"a": 1}').json() == {"data": {"a": 1}}
    assert chunked(client, b"").json() == {"data": {}}


def test_a_chunked_body_is_read_up_to_the_bound(client, settings):
    settings.MAX_BODY_BYTES = 100_000
    stream = io.BytesIO(b"x" * 1_000_000)

    answer = chunked(client, stream)

    assert answer.status_code == 413
    assert stream.tell() < 200_000
