"""The pages of memories: who may not see or change what stands there."""

from __future__ import annotations

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.admin.conftest import browser_of
from tests.admin.memories import LIST, PRESSED, button_of, page_of, select, text_of

BUTTONS = ("edit", "pause", "resume", "restore", "archive", "discard")


def test_who_only_sees_can_do_nothing(reading, tea):
    page = text_of(reading, page_of(tea))

    for name in BUTTONS:
        assert button_of(tea, name) not in page
        assert reading.get(button_of(tea, name)).status_code == 403
        assert reading.post(button_of(tea, name), PRESSED).status_code == 403
    for action in ("pause_selected", "archive_selected", "discard_selected"):
        select(reading, action, tea, confirmed="yes")
    tea.refresh_from_db()
    assert (tea.state, tea.content) == ("active", "Alice likes green tea.")


def test_who_may_change_memories_may_not_delete_them(reader, tea):
    reader.user_permissions.add(Permission.objects.get(codename="change_memory"))
    editor = browser_of(reader)

    assert editor.post(button_of(tea, "discard"), PRESSED).status_code == 403
    select(editor, "discard_selected", tea, confirmed="yes")
    tea.refresh_from_db()
    assert tea.state == "active"

    editor.post(button_of(tea, "pause"), PRESSED)
    tea.refresh_from_db()
    assert tea.state == "paused"


def test_whoever_may_see_no_memories_leaves_no_trace_and_reads_nothing(client, tea, db):
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    for address in (LIST, page_of(tea), button_of(tea, "edit")):
        answer = client.get(address, {"q": "tea", "user": tea.user_id})
        assert answer.status_code == 403
        assert "green tea" not in answer.content.decode()
    assert not tea.accesses.exists()


def test_strangers_are_sent_to_sign_in(client, tea):
    for address in (LIST, page_of(tea), *(button_of(tea, name) for name in BUTTONS)):
        for answer in (client.get(address), client.post(address, PRESSED)):
            assert answer.status_code == 302
            assert "/admin/login/" in answer.headers["Location"]
    tea.refresh_from_db()
    assert tea.state == "active"


def test_nothing_is_changed_without_a_token(root, tea):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(root)

    assert strict.post(button_of(tea, "pause"), PRESSED).status_code == 403
    assert strict.post(button_of(tea, "edit"), {"content": "Other."}).status_code == 403
    tea.refresh_from_db()
    assert (tea.state, tea.content) == ("active", "Alice likes green tea.")


def test_no_memory_is_removed_for_good_here(browser, tea):
    address = reverse("admin:memories_memory_delete", args=[tea.pk])
    assert browser.post(address, {"post": "yes"}).status_code == 403
