from django.contrib.admin.models import LogEntry
from django.urls import reverse


def test_what_was_done_is_listed_with_who_did_it(browser, root, alice):
    browser.post(
        reverse("admin:accounts_user_make_key", args=[alice.user.pk]),
        {"_form_submitted": "on", "scopes": ["read"]},
    )

    page = browser.get("/admin/admin/logentry/").content.decode()

    assert "Created key om_" in page
    assert "alice" in page
    assert "root" in page


def test_nobody_changes_what_was_written_down(browser, root, alice):
    browser.post(
        reverse("admin:accounts_user_make_key", args=[alice.user.pk]),
        {"_form_submitted": "on", "scopes": ["read"]},
    )
    entry = LogEntry.objects.get()

    for action in ("change", "delete"):
        address = reverse(f"admin:admin_logentry_{action}", args=[entry.pk])
        assert browser.post(address, {"post": "yes", "change_message": ""}).status_code == 403
    assert browser.get("/admin/admin/logentry/add/").status_code == 403


def test_changes_of_the_configuration_over_the_api_are_listed(browser, olga):
    body = {"provider": "openai", "config": {"api_key": "sk-secret-1", "model": "gpt-4o-mini"}}
    assert olga.put("/config/mem0/llm", body).status_code == 200

    page = browser.get("/admin/configuration/configurationchange/").content.decode()

    assert "olga" in page
    assert "llm" in page
    assert "sk-secret-1" not in page
