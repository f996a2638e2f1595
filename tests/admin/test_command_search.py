"""Ctrl-K: what the search of the whole admin finds."""

from __future__ import annotations

import pytest

from accounts.models import ApiKey
from tests.admin.conftest import staff_with

PAGE = "/admin/search/"


def found(browser, text):
    answer = browser.get(PAGE, {"s": text, "extended": 1})
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_finds_memories_users_apps_and_keys(browser, alice, tea):
    key = ApiKey.objects.filter(user=alice.user).first()

    assert f"/admin/memories/memory/{tea.pk}/change/" in found(browser, "green tea")
    assert f"/admin/memories/memory/{tea.pk}/change/" in found(browser, str(tea.pk))
    assert f"/admin/accounts/user/{alice.user.pk}/change/" in found(browser, "ALI")
    assert f"/admin/apps_registry/app/{tea.app_id}/change/" in found(browser, tea.app.name)
    assert f"{key.prefix}…" in found(browser, key.prefix)


def test_who_may_view_jobs_alone_finds_nothing_else(alice, tea):
    staff = staff_with("jobs.view_job")

    for text in ("green tea", "ali", str(tea.pk), tea.app.name):
        assert "Alice" not in found(staff, text)
        assert str(tea.pk) not in found(staff, text)


@pytest.mark.parametrize("text", ["'", "a" * 3000, "%", "&|!", "<script>"])
def test_whatever_is_typed_is_answered(browser, text):
    assert "<script>" not in found(browser, text)
