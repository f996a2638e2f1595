import pytest

pytestmark = pytest.mark.urls("tests.api.urls")


def unlimited(headers):
    """The headers without those that count requests."""
    return {name: headers[name] for name in headers if "ratelimit" not in name.lower()}


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"])
def test_a_last_slash_changes_nothing(client, settings, method):
    settings.RATE_LIMITS = dict.fromkeys(settings.RATE_LIMITS)  # how much is left does change

    def call(path):
        return client.generic(
            method,
            path,
            b"" if method in ("GET", "HEAD") else b'{"a": 1}',
            content_type="application/json",
            headers={"X-Request-ID": "same"},
        )

    with_slash, without = call("/api/v1/echo/?b=1"), call("/api/v1/echo?b=1")

    assert with_slash.status_code == without.status_code == 200
    assert with_slash.content == without.content
    assert unlimited(with_slash.headers) == unlimited(without.headers)


def test_two_last_slashes_are_another_address(client):
    assert client.get("/api/v1/echo//").status_code == 404


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("a=%00", "a"),
        ("a=x%00y", "a"),
        ("a=%ff", "a"),
        ("a=%ed%a0%80", "a"),
        ("%00=a", "\ufffd"),
        ("b=1&%ff=a", "\ufffd"),
    ],
)
def test_a_query_that_is_no_text_is_refused_with_its_place(client, query, place):
    answer = client.generic("GET", "/api/v1/echo", QUERY_STRING=query)

    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed"
    assert [error["loc"] for error in answer.json()["errors"]] == [["query", place]]


def test_every_place_of_a_query_that_is_no_text_is_named(client):
    answer = client.generic("GET", "/api/v1/echo", QUERY_STRING="a=%00&b=1&c=%ff")

    assert [error["loc"] for error in answer.json()["errors"]] == [["query", "a"], ["query", "c"]]


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("a=100%", {"a": "100%"}),
        ("a=%zz", {"a": "%zz"}),
        ("a=%F0%9F%A6%8A+x", {"a": "🦊 x"}),
        ("a=é", {"a": "é"}),
        ("a", {"a": ""}),
        ("&&=&", {"": ""}),
    ],
)
def test_a_query_that_is_text_is_read(client, query, read):
    latin = query.encode().decode("latin-1")

    answer = client.generic("GET", "/api/v1/echo", QUERY_STRING=latin)

    assert answer.json() == {"query": read}


def test_the_charset_of_a_body_does_not_change_how_the_query_is_read(client):
    for charset in ("latin-1", "utf-16", "bz2_codec", "nonsense"):
        answer = client.generic(
            "GET", "/api/v1/echo?a=%C3%A9", content_type=f"application/json; charset={charset}"
        )
        assert answer.json() == {"query": {"a": "é"}}


def test_a_query_with_too_many_fields_is_refused(client):
    answer = client.get("/api/v1/echo?" + "a=1&" * 2000)

    assert answer.status_code == 400
    assert answer.json()["code"] == "too_many_fields"


@pytest.mark.parametrize("path", ["/api/v1/%00", "/api/v1/echo%00", "/api/v1/%ff", "/api/v1/é"])
def test_a_path_that_is_no_text_is_404(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
