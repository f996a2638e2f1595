import pytest
from django.test import RequestFactory

from core.api.preferences import parse_preferences, prefers_async, wait_seconds


def asked(header: str):
    return RequestFactory().post("/", headers={"Prefer": header})


@pytest.mark.parametrize(
    ("header", "read"),
    [
        ("", {}),
        ("respond-async", {"respond-async": ""}),
        ("Respond-Async, wait=10", {"respond-async": "", "wait": "10"}),
        ('foo="a b"; bar=1 , wait = 5', {"foo": "a b", "wait": "5"}),
        ("wait=1, wait=2", {"wait": "1"}),
        (",, ;=, é", {}),
    ],
)
def test_preferences_are_read_as_the_rfc_writes_them(header, read):
    assert parse_preferences(asked(header)) == read


def test_who_prefers_to_look_later_says_so():
    assert prefers_async(asked("wait=5, respond-async"))
    assert not prefers_async(asked("handling=lenient"))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0), ("wait=5", 5), ("wait=500", 60), ("wait=-1", 0), ("wait=" + "9" * 5000, 0)],
)
def test_patience_is_bounded(header, seconds):
    assert wait_seconds(asked(header), at_most=60) == seconds
