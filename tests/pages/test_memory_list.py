"""The list of a person's memories, its search and its filters."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SignInLink
from apps_registry.models import App
from memories.models import Access, Memory, State


def shown(answer):
    """The texts of the memories that a list shows, in their order."""
    pattern = r'class="memory-text"[^>]*>([^<]*)</a>'
    return re.findall(pattern, answer.content.decode())


@pytest.fixture
def texts(alice, bob):
    """Give alice three memories and bob one."""
    day = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())
    options = {"infer": False}
    alice.remember("Rex is a dog", app="notes", timestamp=day, actor="Ana", **options)
    alice.remember("Tea is green", app="coder", timestamp=day + 86400, **options)
    alice.remember("Tea is <b>hot</b>", timestamp=day + 2 * 86400, conversation="tea", **options)
    bob.remember("Bob drinks tea", **options)


def set_state(text, state, by):
    Memory.objects.filter(content=text).change_state(state, by=by.user)


def test_the_newest_come_first_and_none_of_others(browser, texts):
    answer = browser.get("/memories")

    assert shown(answer) == ["Tea is &lt;b&gt;hot&lt;/b&gt;", "Tea is green", "Rex is a dog"]
    assert "3 memories" in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category=none", []),
        ("actor=ana", ["Rex is a dog"]),
        ("conversation=tea", ["Tea is &lt;b&gt;hot&lt;/b&gt;"]),
        ("q=GREEN&exact=on", ["Tea is green"]),
        ("q=bob&exact=on", []),
        ("from_date=2026-03-02", ["Tea is &lt;b&gt;hot&lt;/b&gt;", "Tea is green"]),
        ("to_date=2026-03-01", ["Rex is a dog"]),
        ("from_date=2026-03-02&to_date=2026-03-02", ["Tea is green"]),
        ("sort=oldest", ["Rex is a dog", "Tea is green", "Tea is &lt;b&gt;hot&lt;/b&gt;"]),
        ("sort=text", ["Rex is a dog", "Tea is &lt;b&gt;hot&lt;/b&gt;", "Tea is green"]),
        ("sort=app", ["Tea is green", "Rex is a dog", "Tea is &lt;b&gt;hot&lt;/b&gt;"]),
        ("page=2", []),
        ("size=50&page=1&state=active&actor=ANA", ["Rex is a dog"]),
    ],
)
def test_filters_match_and_do_not_match(browser, texts, query, expected):
    assert shown(browser.get(f"/memories?{query}")) == expected


def test_a_day_is_one_of_the_persons_zone(browser, alice, texts):
    alice.user.time_zone = "Pacific/Kiritimati"  # noon in London is the next day there
    alice.user.save()

    assert shown(browser.get("/memories?to_date=2026-03-01")) == []
    assert shown(browser.get("/memories?to_date=2026-03-02")) == ["Rex is a dog"]


def test_apps_are_chosen_by_name(browser, alice, bob, texts):
    app = App.objects.get(owner=alice.user, name="coder")
    bobs = App.objects.get(owner=bob.user)

    assert shown(browser.get(f"/memories?app={app.pk}")) == ["Tea is green"]
    assert browser.get(f"/memories?app={bobs.pk}").status_code == 400


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("", ["Tea is green", "Rex is a dog"]),
        ("active", ["Rex is a dog"]),
        ("paused", ["Tea is green"]),
        ("archived", ["Tea is &lt;b&gt;hot&lt;/b&gt;"]),
        ("all", ["Tea is &lt;b&gt;hot&lt;/b&gt;", "Tea is green", "Rex is a dog"]),
    ],
)
def test_states(browser, alice, texts, state, expected):
    set_state("Tea is green", State.PAUSED, alice)
    set_state("Tea is <b>hot</b>", State.ARCHIVED, alice)

    assert shown(browser.get(f"/memories?state={state}")) == expected
    if state not in ("", "active"):
        both = [text for text in expected if "Tea" in text]
        assert shown(browser.get(f"/memories?state={state}&q=tea")) == both


@pytest.mark.parametrize(
    "query",
    [
        "state=deleted", "sort=rank", "size=7", "size=1000", "page=0", "page=-1", "page=x",
        "app=x", "app=00000000-0000-0000-0000-000000000000", "from_date=yesterday",
        "from_date=2026-03-02&to_date=2026-03-01", f"q={'x' * 2001}", f"actor={'x' * 256}",
        "page=99999999999999999999", "application=notes", "categories=pets&q=tea",
    ],
)  # fmt: skip
def test_what_a_filter_does_not_know_is_said_and_nothing_is_shown(browser, texts, query):
    answer = browser.get(f"/memories?{query}")

    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert shown(answer) == []


def test_a_search_says_why_each_hit_is_there_and_logs_no_reading(browser, texts):
    answer = browser.get("/memories?q=which animal is Rex")

    assert shown(answer)[0] == "Rex is a dog"
    assert "words: rex" in answer.content.decode()
    page = answer.content.decode()
    assert "alike in meaning" in page
    assert page.count('<p class="why">') == len(shown(answer))
    assert 'href="/memories?q=which+animal+is+Rex&amp;exact=on"' in page
    assert Access.objects.count() == 0


def test_while_one_types_only_the_results_come(browser, texts):
    headers = {"HX-Request": "true", "HX-Target": "results"}

    answer = browser.get("/memories?q=green&exact=on&state=", headers=headers)

    assert shown(answer) == ["Tea is green"]
    assert "<html" not in answer.content.decode()
    assert answer.headers["HX-Push-Url"] == "/memories?q=green&exact=on"


def test_a_list_of_more_memories_asks_no_more_queries(browser, alice):
    def queries(path):
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return len(captured)

    for number in range(2):
        alice.remember(f"One {number}", infer=False, app="app", actor="A")
    before = [queries("/memories"), queries("/memories?q=one")]
    for number in range(22):
        alice.remember(f"One of {number}", infer=False, app=f"app {number}", actor=f"A{number}")

    assert [queries("/memories"), queries("/memories?q=one")] == before
    assert before[0] == 4  # the session, apps, categories, and the memories


def test_pages_follow_each_other(browser, alice):
    for number in range(27):
        alice.remember(f"Memory {number:02}", infer=False, timestamp=1_700_000_000 + number)

    first, second = browser.get("/memories"), browser.get("/memories?page=2")

    assert shown(first) == [f"Memory {number:02}" for number in range(26, 1, -1)]
    assert shown(second) == ["Memory 01", "Memory 00"]
    assert "26 to 27 of 27" in second.content.decode()
    assert 'href="/memories?page=2"' in first.content.decode()


def test_who_is_new_is_told_what_to_do(browser):
    assert "Nothing is remembered yet" in browser.get("/memories").content.decode()


def test_it_is_said_in_german(client, alice):
    client.post("/sign-in/link", {"token": SignInLink.objects.issue(alice.user)})

    page = client.get("/memories", headers={"Accept-Language": "de"}).content.decode()

    assert "Erinnerungen" in page


def order_of(answer):
    """The choices of the order, and the one that is chosen."""
    select = re.search(r'<select[^>]*name="sort".*?</select>', answer.content.decode(), re.S)[0]
    chosen = re.search(r'<option value="([^"]*)" selected', select)
    return re.findall(r">([^<]+)</option>", select)[0], chosen and chosen[1]


def test_what_a_question_finds_is_the_best_first_or_in_the_order_that_was_chosen(browser, texts):
    best = shown(browser.get("/memories?q=tea+that+is+green"))
    assert best[0] == "Tea is green"

    for sort in ("newest", "oldest", "text", "app"):
        answer = browser.get(f"/memories?q=tea+that+is+green&sort={sort}")
        in_list = [text for text in shown(browser.get(f"/memories?sort={sort}")) if text in best]
        assert shown(answer) == in_list
        assert order_of(answer) == ("Best match", sort)


def test_the_order_says_what_it_is(browser, texts):
    assert order_of(browser.get("/memories")) == ("Newest first", "")
    assert order_of(browser.get("/memories?q=tea")) == ("Best match", "")
    assert order_of(browser.get("/memories?q=tea&exact=on")) == ("Newest first", "")
    assert order_of(browser.get("/memories?q=tea&state=paused")) == ("Newest first", "")
    assert shown(browser.get("/memories?sort=newest"))[-1] == "Rex is a dog"

    part = browser.get("/memories?q=tea", headers={"HX-Request": "true", "HX-Target": "results"})
    assert order_of(part) == ("Best match", "")
    assert 'hx-swap-oob="true"' in part.content.decode()
