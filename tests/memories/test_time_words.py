"""Words for times count against when memories were said, and since when they are valid."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models.user import validate_time_zone
from memories.models import Memory
from memories.time_words import find_period

# A Friday.
NOW = datetime(2026, 11, 27, 13, tzinfo=UTC)

PERIODS = [
    ("What did we talk about yesterday?", "2026-11-26", "2026-11-27"),
    ("what happened last week", "2026-11-16", "2026-11-23"),
    ("this week", "2026-11-23", "2026-11-30"),
    ("last weekend", "2026-11-21", "2026-11-23"),
    ("last month", "2026-10-01", "2026-11-01"),
    ("What did I do in March?", "2026-03-01", "2026-04-01"),
    ("in December", "2025-12-01", "2026-01-01"),
    ("in March 2024", "2024-03-01", "2024-04-01"),
    ("two years ago", "2024-01-01", "2025-05-29"),
    ("3 days ago", "2026-11-24", "2026-11-25"),
    ("a couple of days ago", "2026-11-25", "2026-11-26"),
    ("on Monday", "2026-11-23", "2026-11-24"),
    ("on Friday", "2026-11-27", "2026-11-28"),
    ("last Friday", "2026-11-20", "2026-11-21"),
    ("last summer", "2026-06-01", "2026-09-01"),
    ("winter 2024", "2024-12-01", "2025-03-01"),
    ("in 2023", "2023-01-01", "2024-01-01"),
    ("March 14th, 2025", "2025-03-14", "2025-03-15"),
    ("on 2025-03-14", "2025-03-14", "2025-03-15"),
    ("the day before yesterday", "2026-11-25", "2026-11-26"),
    ("gestern", "2026-11-26", "2026-11-27"),
    ("letzte Woche", "2026-11-16", "2026-11-23"),
    ("vor zwei Jahren", "2024-01-01", "2025-05-29"),
    ("vor einer Woche", "2026-11-16", "2026-11-24"),
    ("im März", "2026-03-01", "2026-04-01"),
    ("letztes Jahr", "2025-01-01", "2026-01-01"),
    ("am Montag", "2026-11-23", "2026-11-24"),
    ("14. März 2025", "2025-03-14", "2025-03-15"),
    ("14.03.2025", "2025-03-14", "2025-03-15"),
    ("ayer", "2026-11-26", "2026-11-27"),
    ("la semana pasada", "2026-11-16", "2026-11-23"),
    ("hace dos años", "2024-01-01", "2025-05-29"),
    ("en marzo", "2026-03-01", "2026-04-01"),
    ("el lunes pasado", "2026-11-23", "2026-11-24"),
    ("la semana que viene", "2026-11-30", "2026-12-07"),
    ("昨天", "2026-11-26", "2026-11-27"),
    ("上周", "2026-11-16", "2026-11-23"),
    ("两年前", "2024-01-01", "2025-05-29"),
    ("三天前", "2026-11-24", "2026-11-25"),
    ("三月", "2026-03-01", "2026-04-01"),
    ("去年三月", "2025-03-01", "2025-04-01"),
    ("2025年3月14日", "2025-03-14", "2025-03-15"),
    ("上周五", "2026-11-20", "2026-11-21"),
    ("上个月", "2026-10-01", "2026-11-01"),
]

NO_PERIODS = [
    "What may I eat?", "I march on", "the last name of Nora", "im Fall der Fälle", "",
    "February 31", "999 years ago", "What is new?", "in 9999", "个月",
]  # fmt: skip


@pytest.mark.parametrize(("query", "start", "end"), PERIODS)
def test_a_query_names_a_period(query, start, end):
    period = find_period(query, NOW)

    assert period is not None
    assert (f"{period.start:%Y-%m-%d}", f"{period.end:%Y-%m-%d}") == (start, end)


@pytest.mark.parametrize("query", NO_PERIODS)
def test_a_query_names_no_period(query):
    assert find_period(query, NOW) is None


@pytest.mark.parametrize(
    ("query", "is_all"),
    [
        ("What did we talk about yesterday?", True),
        ("What did Nora buy yesterday?", False),
        ("Worüber haben wir gestern gesprochen?", True),
        ("Was hat Nora gestern gekauft?", False),
        ("¿De qué hablamos ayer?", True),
        ("¿Qué compré ayer?", False),
        ("昨天我们聊了什么", True),
        ("我昨天买了什么", False),
    ],
)
def test_a_query_for_a_period_alone_is_told_apart(query, is_all):
    assert find_period(query, NOW).is_all == is_all


def test_a_day_is_one_of_the_time_zone():
    period = find_period("today", NOW.astimezone(ZoneInfo("Asia/Tokyo")))

    assert period.start == datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert period.includes(NOW)
    assert not period.includes(None)


def test_a_time_zone_is_one_of_the_database():
    validate_time_zone("Europe/Berlin")
    validate_time_zone("")
    for name in ("Mars/Phobos", "europe/berlin ", "../etc/passwd", "+02:00"):
        with pytest.raises(ValidationError):
            validate_time_zone(name)


# --- Over HTTP -----------------------------------------------------------------------------------


def ago(**delta) -> int:
    return int((datetime.now(UTC) - timedelta(**delta)).timestamp())


def first(member, query: str) -> str:
    return member.post("/memories/search", {"query": query}).json()["results"][0]["text"]


@pytest.mark.slow
def test_time_words_find_what_was_said_then(alice):
    for text, days in [
        ("We talked about yesterday's papers and what we talk about.", 60),
        ("The kitchen will be painted green.", 1),
        ("Jo has a new bicycle.", 7),
        ("The cellar was dry.", 730),
        ("The dentist is called Kim.", 400),
    ]:
        alice.remember(text, infer=False, timestamp=ago(days=days))

    for query in (
        "What did we talk about yesterday?",
        "¿De qué hablamos ayer?",
        "昨天我们聊了什么",
    ):
        assert first(alice, query) == "The kitchen will be painted green."
    assert first(alice, "Was war letzte Woche?") == "Jo has a new bicycle."
    assert first(alice, "what happened two years ago") == "The cellar was dry."
    assert first(alice, "What is the dentist called? I met her last week.") == (
        "The dentist is called Kim."
    )


@pytest.mark.slow
def test_time_words_find_what_became_valid_then(alice):
    stored = alice.remember("Rent is 900 euros.", infer=False, timestamp=ago(days=300))
    alice.remember("Tea is in the cupboard.", infer=False, timestamp=ago(days=20))
    moment = datetime.now(UTC) - timedelta(days=1)
    Memory.objects.filter(pk=stored["id"]).update(valid_from=moment)

    assert first(alice, "What is new since yesterday?") == "Rent is 900 euros."


@pytest.mark.slow
def test_days_are_those_of_the_users_time_zone(alice):
    answer = alice.patch("/users/me", {"time_zone": "Pacific/Kiritimati"})
    assert (answer.status_code, answer.json()["time_zone"]) == (200, "Pacific/Kiritimati")
    midnight = datetime.now(ZoneInfo("Pacific/Kiritimati")).replace(hour=0, minute=0, second=0)
    for text, hours in (("The bus was late.", -12), ("The soup was cold.", -36), ("It rained.", 0)):
        moment = midnight + timedelta(hours=hours)
        alice.remember(text, infer=False, timestamp=int(moment.timestamp()))

    assert first(alice, "What happened yesterday?") == "The bus was late."
    assert alice.get("/users/me").json()["time_zone"] == "Pacific/Kiritimati"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Mars/Phobos", "../etc", "x" * 65, None, 3])
def test_a_wrong_time_zone_is_refused(alice, name):
    answer = alice.patch("/users/me", {"time_zone": name})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["loc"] == ["body", "time_zone"]


@pytest.mark.slow
def test_time_words_make_no_further_statement(alice):
    alice.remember("I drink tea.")
    counts = []
    for query in ("tea", "tea yesterday"):
        with CaptureQueriesContext(connection) as context:
            alice.post("/memories/search", {"query": query})
        counts.append(len(context))

    assert counts[1] == counts[0]
