from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import caches
from django.utils import timezone

from configuration.providers.circuit_breaker import FAILURE_THRESHOLD
from core.observability import search_stats
from jobs.models import Job
from memories.models import Embedding
from operators.dashboard import table_sample
from operators.dashboard.page import PERMISSIONS
from tests.admin.conftest import browser_of, staff_with
from tests.memories.stock import stock
from tests.rate_limits.test_cache_away import cache_at, dead  # noqa: F401 - fixtures

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def nothing_known(services):
    """No figures of an earlier test, and no searches."""
    caches["default"].clear()
    yield
    caches["default"].clear()


def page(browser):
    answer = browser.get("/admin/")
    assert answer.status_code == 200
    return answer


def cards(answer):
    return {card.title: (card.value, card.detail) for card in answer.context["cards"]}


def bars(answer, title):
    return [(bar.name, bar.number) for bar in answer.context["bars"][title]]


def alerts(answer):
    return [alert.text for alert in answer.context["alerts"] if alert.target != "backups"]


def job(**fields):
    return Job.objects.create(kind="export", **fields)


def test_it_tells_what_is_remembered_by_state_app_category_and_day(browser, alice):
    for text, app in (("We have a dog", "notes"), ("A cat as well", "notes"), ("I fly", "trips")):
        alice.remember(text, app=app)
    alice.post("/memories/actions/pause", {"all_for_app": False, "state": "paused", "memory_ids": [
        alice.remember("A third one, which is paused", app="trips")["id"]
    ]})  # fmt: skip

    answer = page(browser)

    assert cards(answer)["Memories"] == ("4", "4 today, 2 users")
    assert bars(answer, "By state") == [("active", "3"), ("paused", "1")]
    assert bars(answer, "By app") == [("notes", "2"), ("trips", "2")]
    assert ("pets", "2") in bars(answer, "By category")
    assert "4 memories in 30 days, 4 on the busiest day" in answer.content.decode()


def test_deleted_memories_count_as_deleted_and_no_longer_as_kept(browser, alice):
    made = alice.remember("A passing thought")
    alice.delete(f"/memories/{made['id']}")

    answer = page(browser)

    assert cards(answer)["Memories"][0] == "0"
    assert bars(answer, "By state") == [("deleted", "1")]


def test_it_works_when_there_is_nothing_yet(browser):
    answer = page(browser)

    assert cards(answer)["Memories"] == ("0", "0 today, 1 user")
    assert cards(answer)["Searches in 24 hours"] == ("0", "none yet")
    assert cards(answer)["Embedding coverage"][0] == "100 %"


def test_it_asks_as_many_statements_however_much_there_is(
    browser, alice, django_assert_max_num_queries
):
    stock(alice.user, [f"Note {number}" for number in range(500)])
    browser.get("/admin/accounts/user/")

    with django_assert_max_num_queries(25):
        page(browser)


def test_figures_are_looked_up_once_a_minute(browser, alice, django_assert_max_num_queries):
    page(browser)
    alice.remember("New since then")

    with django_assert_max_num_queries(5):
        answer = page(browser)

    assert cards(answer)["Memories"][0] == "0"
    assert "updated at most every 60 seconds" in answer.content.decode()


def test_of_many_memories_a_part_is_looked_at_and_the_page_says_so(browser, alice, monkeypatch):
    stock(alice.user, [f"Note {number}" for number in range(3000)])
    monkeypatch.setattr(table_sample, "READ", 500_000)

    answer = page(browser)

    assert not answer.context["figures"].memories.exact
    assert "estimates from a sample" in answer.content.decode()
    (_, told), *_ = bars(answer, "By state")
    assert int(told.removeprefix("≈ ").replace(",", "")) > 500


def test_a_search_is_counted_with_how_long_it_took(browser, alice):
    search_stats.flush()
    caches["limits"].clear()  # with the searches of other tests
    alice.remember("We have a dog")
    alice.post("/memories/search", {"query": "pets"})
    search_stats.flush()

    value, detail = cards(page(browser))["Searches in 24 hours"]

    assert value == "1"
    assert detail.startswith("median ")


def test_searches_of_all_processes_are_added_up(services):
    for _ in range(2):
        for seconds in (0.004, 0.02, 0.02, 0.09):
            search_stats.record_search(seconds)
        search_stats.flush()

    day = search_stats.merge(search_stats.last_day(), start=0)

    assert day.count == 8
    assert 0.01 < day.quantile(0.5) <= 0.025
    assert 0.05 < day.quantile(0.95) <= 0.1


def test_without_a_cache_the_page_says_what_it_does_not_know(browser, alice, dead):  # noqa: F811
    search_stats.record_search(0.01)
    search_stats.flush()

    assert cards(page(browser))["Searches in 24 hours"][0] == "unknown"


def test_nothing_needs_anybody_where_all_is_well(browser, alice, settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path
    stamp = timezone.now().strftime("%Y%m%dT%H%M%SZ")
    (tmp_path / f"memories_alice_{alice.user.pk}_{stamp}.zip").touch()

    answer = page(browser)

    assert alerts(answer) == []


def test_failed_jobs_are_told(browser, alice):
    now = timezone.now()
    job(owner=alice.user, state="failed", error={}, started_at=now, finished_at=now)
    long_ago = now - timedelta(days=2)
    job(owner=alice.user, state="failed", error={}, started_at=long_ago, finished_at=long_ago)

    answer = page(browser)

    assert cards(answer)["Jobs"] == ("0 running", "0 waiting, 1 failed in 24 hours")
    assert alerts(answer) == ["1 job failed in the last 24 hours."]


def test_a_job_that_nobody_runs_is_told(browser, alice):
    job(owner=alice.user, run_after=timezone.now() - timedelta(minutes=20))

    assert alerts(page(browser)) == [
        "A job has been waiting for 20 minutes. Check that the workers are running."
    ]


def test_memories_without_a_vector_are_told(browser, alice):
    stock(alice.user, ["Tea", "Coffee"])
    Embedding.objects.first().delete()

    answer = page(browser)

    assert cards(answer)["Embedding coverage"][0] == "50 %"
    assert alerts(answer) == [
        "Some memories have no embedding yet. Only keyword search finds them."
    ]


def test_a_provider_that_is_down_is_told(browser, olga, settings):
    body = {"provider": "openai", "config": {"api_key": "sk-1", "model": "gpt-4o-mini"}}
    assert olga.put("/config/mem0/llm", body).status_code == 200
    from configuration import effective
    from configuration.providers.client import Endpoint

    circuit_breaker = Endpoint.from_settings(effective.current_settings().llm)._circuit_breaker
    for _ in range(FAILURE_THRESHOLD):
        circuit_breaker.record_failure()

    (alert,) = alerts(page(browser))

    assert alert.startswith("openai: gpt-4o-mini is not responding")


def test_a_key_that_is_missing_is_told(browser, olga, monkeypatch, settings):
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    settings.ENV_KEYS = ["NO_SUCH_KEY"]
    body = {"provider": "openai", "config": {"api_key": "env:NO_SUCH_KEY", "model": "gpt-4o"}}
    assert olga.put("/config/mem0/llm", body).status_code == 200

    (alert,) = alerts(page(browser))

    assert "NO_SUCH_KEY" in alert


def test_who_may_not_see_memories_sees_no_figures_of_them(db, django_user_model):
    nobody = django_user_model.objects.create_user("nobody", is_staff=True)

    answer = page(browser_of(nobody))

    assert "cards" not in answer.context
    assert "You are signed in." in answer.content.decode()


@pytest.mark.parametrize("missing", PERMISSIONS)
def test_the_figures_need_the_permission_to_view_all_that_they_count(missing, alice):
    alice.remember("I like tea", app="quokkaapp")
    browser = staff_with(*[each for each in PERMISSIONS if each != missing])

    answer = page(browser)

    assert not [name for name in ("cards", "bars", "facts", "alerts") if name in answer.context]
    assert "quokkaapp" not in answer.content.decode()


def test_who_may_view_all_that_is_counted_sees_the_figures(alice):
    alice.remember("I like tea", app="quokkaapp")

    answer = page(staff_with(*PERMISSIONS))

    assert cards(answer)["Memories"] == ("1", "1 today, 2 users")
    assert "quokkaapp" in answer.content.decode()
