import pytest
from django.db import connection

from accounts.models import User
from core.admin import paginator as paginator_module
from core.admin.paginator import BoundedPaginator
from core.admin.statement_timeout import TooSlow, limit_statements

pytestmark = pytest.mark.slow


def test_a_list_is_not_counted_further_than_it_is_paged(alice, bob, monkeypatch):
    users = User.objects.order_by("user_id")
    assert str(BoundedPaginator(users, 1).count) == "2"

    monkeypatch.setattr(paginator_module, "MAX_ROWS", 1)
    paginator = BoundedPaginator(users, 1)

    assert str(paginator.count) == "more than 1"
    assert f"{paginator.count}" == "more than 1"
    assert paginator.num_pages == 1


def test_a_statement_that_takes_too_long_is_broken_off(db):
    with pytest.raises(TooSlow), limit_statements(1), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")


def test_an_operator_is_told_that_a_list_took_too_long(browser, monkeypatch):
    def slow(self, request):
        return User.objects.extra(where=["pg_sleep(20) IS NULL"])

    monkeypatch.setattr("accounts.admin.users.UserAdmin.get_queryset", slow)
    monkeypatch.setattr("django.conf.settings.ADMIN_STATEMENT_SECONDS", 1)

    answer = browser.get("/admin/accounts/user/")

    assert answer.status_code == 503
    assert "Narrow it" in answer.content.decode()
