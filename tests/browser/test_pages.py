"""What holds for every page of the admin: it fits on a phone, and is open to everybody."""

from __future__ import annotations

import pytest

from tests.browser.chromium import DARK, DARK_PHONE, DESKTOP, PHONE, violations

PAGES = [
    "/admin/",
    "/admin/memories/memory/",
    "/admin/memories/memory/add/",
    "/admin/memories/memory/?q=nothing-has-this-word",
    "/admin/memories/category/",
    "/admin/memories/archivepolicy/",
    "/admin/memories/archivepolicy/add/",
    "/admin/memories/embeddingspace/",
    "/admin/memories/embeddingspace/start/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/accounts/apikey/",
    "/admin/apps_registry/app/",
    "/admin/apps_registry/accessrule/",
    "/admin/configuration/",
    "/admin/jobs/job/",
    "/admin/backups/",
    "/admin/admin/logentry/",
    "/admin/operators/receipt/",
    "/admin/memories/logline/",
    "/admin/oauth/connection/",
    "/admin/oauth/oauthclient/",
    "/admin/import-from/",
    "/admin/mem0/entity/",
    "/admin/mem0/webhook/",
    "/admin/mem0/delivery/",
    "/admin/mem0/feedback/",
    "/admin/mem0/export/",
    "/admin/mem0/profile/",
    "/admin/configuration/configurationchange/",
    "/admin/auth/group/",
    "/admin/password_change/",
]


@pytest.mark.parametrize(("look", "phone"), [(DESKTOP, PHONE), (DARK, DARK_PHONE)], ids=str)
def test_every_page_is_open_to_those_who_see_or_point_badly_and_fits_a_phone(
    sign_in, user_id, look, phone
):
    visit = sign_in(look)

    found = {}
    for path in PAGES:
        visit.look_at(look)
        visit.page.goto(path)
        found[path] = violations(visit.page)
        visit.look_at(phone)
        if visit.is_wider_than_the_screen():
            found[path].append("wider than a phone")

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize("look", [DESKTOP, DARK], ids=str)
def test_so_is_the_page_to_sign_in(visits, look):
    visit = visits(look)
    visit.page.goto("/admin/login/")

    assert violations(visit.page) == []
