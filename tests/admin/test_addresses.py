"""What the admin's addresses answer: pages, in every spelling, and nothing from another host."""

import html

import pytest


def test_the_admin_is_found_without_its_last_slash(browser):
    answer = browser.get("/admin")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


def test_so_is_every_page_of_it_with_its_query(browser):
    answer = browser.get("/admin/accounts/user?q=a")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/accounts/user/?q=a")


@pytest.mark.parametrize("path", ["/admin/nothing/", "/admin/nothing"])
def test_what_is_not_there_is_a_page(browser, path):
    answer = browser.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "No page exists at this address" in answer.content.decode()


@pytest.mark.parametrize("query", ["foo=1", "state__exact=paused&foo=1", "created_at__year=x"])
def test_a_filter_that_is_not_known_is_said(browser, query):
    answer = browser.get(f"/admin/memories/memory/?{query}", follow=True)

    page = html.unescape(answer.content.decode())
    said = query.replace("&", ", ")
    assert f"This list has no such filter: {said}. It shows everything." in page


def test_without_a_session_nobody_learns_what_is_there(client, db):
    for path in ("/admin/accounts/user", "/admin/accounts/user/", "/admin/nothing/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/admin/accounts/user/add/", "x" * (1024 * 1024 + 1), 413),
        ("get", "/admin/?q=%00", None, 400),
    ],
    ids=["too large", "no text"],
)
def test_a_refusal_is_a_page(browser, method, path, body, status):
    extra = {"content_type": "text/plain"} if body else {}

    answer = getattr(browser, method)(path, body, **extra)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_forbidden_page_is_a_page(reading):
    answer = reading.get("/admin/accounts/user/add/")

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_page_may_load_nothing_from_another_host(browser):
    for path in ("/admin/", "/admin/accounts/user/", "/admin/login/", "/admin/nothing/"):
        policy = browser.get(path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "http" not in policy
