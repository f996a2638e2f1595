"""Keys: made for a program with what to paste, made by themselves, and revoked."""

from __future__ import annotations

import html
import json
import re
import tomllib

import pytest

from accounts.models import ApiKey
from agents.plug_ins import PLUG_INS, install_command
from pages.programs import PROGRAMS


def page_of(answer, status=200):
    assert answer.status_code == status, answer.content
    return html.unescape(answer.content.decode())


def snippet_of(answer):
    return re.search(r'<pre id="snippet"[^>]*>(.*?)</pre>', page_of(answer), re.S)[1]


def secret_in(text):
    [secret] = set(re.findall(r"om_[\w-]{43}", text))
    return secret


@pytest.mark.parametrize("slug", PROGRAMS)
def test_each_program_gets_a_key_of_its_own_in_what_is_pasted(browser, alice, slug):
    page_of(browser.get(f"/connect/{slug}"))

    snippet = snippet_of(browser.post(f"/connect/{slug}", {"access": "write"}))

    key = ApiKey.objects.authenticate(secret_in(snippet))
    assert (key.user, key.app_name, key.scopes) == (alice.user, slug, ["read", "write"])
    assert "http://testserver" in snippet
    assert key.is_pinned == (slug != "mem0")


@pytest.mark.parametrize("slug", PLUG_INS)
def test_a_coding_agent_is_shown_what_installs_its_plug_in(slug, browser):
    page = page_of(browser.post(f"/connect/{slug}", {"access": "write"}))
    reader = page_of(browser.post(f"/connect/{slug}", {"access": "read"}))

    command = install_command(slug, url="http://testserver", key=secret_in(page))
    assert f">{command}</pre>" in page
    assert "openmemory-hook uninstall" in page
    assert "bundle.json" not in reader  # it could not store what is captured


def test_what_is_pasted_into_files_can_be_read_from_them(browser):
    snippets = {slug: snippet_of(browser.post(f"/connect/{slug}")) for slug in PROGRAMS}

    for slug in ("claude-desktop", "cursor", "vscode", "windsurf", "cline"):
        json.loads(snippets[slug])
    tomllib.loads(snippets["codex"])
    for slug in ("python", "mem0"):
        compile(snippets[slug], slug, "exec")


def test_the_snippet_for_claude_desktop_tells_nothing_of_the_server(browser, settings, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://openmemory:pa55@db/openmemory")

    snippet = snippet_of(browser.post("/connect/claude-desktop"))

    assert "pa55" not in snippet
    assert str(settings.BASE_DIR) not in snippet


def test_the_test_turns_green_when_the_program_first_calls(browser, alice):
    secret = secret_in(snippet_of(browser.post("/connect/cursor")))
    key = ApiKey.objects.authenticate(secret)
    address = f"/keys/{key.pk}/called"
    asked = {"headers": {"HX-Request": "true", "HX-Target": "called"}}

    before = page_of(browser.get(address, **asked))
    alice.__class__(alice.user, key, secret).get("/memories")
    after = page_of(browser.get(address, **asked))

    assert "has not called yet" in before
    assert 'hx-trigger="every 3s"' in before
    assert "Cursor has called" in after
    assert "hx-trigger" not in after
    assert "Cursor has called" in page_of(browser.get(address))


def test_a_program_that_only_reads_cannot_write(browser, alice):
    secret = secret_in(snippet_of(browser.post("/connect/curl", {"access": "read"})))
    reader = alice.__class__(alice.user, alice.key, secret)

    assert reader.post("/memories/search", {"query": "x"}).status_code == 200
    assert reader.post("/memories", {"text": "x"}).status_code == 403


@pytest.mark.parametrize(
    "path", ["/connect/emacs", "/keys/00000000-0000-0000-0000-000000000001/called"]
)
def test_what_there_is_not_is_not_found(browser, path):
    assert browser.get(path).status_code == 404


def test_a_key_is_made_shown_once_and_revoked(browser, alice):
    form = {"name": "Backup", "app": "notes", "access": "read", "days": "30"}

    secret = secret_in(page_of(browser.post("/keys", form)))

    key = ApiKey.objects.authenticate(secret)
    assert (key.name, key.app_name, key.scopes) == ("Backup", "notes", ["read"])
    assert (key.expires_at - key.created_at).days in (29, 30)
    listed = page_of(browser.get("/keys"))
    assert secret not in listed
    assert key.prefix in listed
    assert browser.post(f"/keys/{key.pk}/revoke").status_code == 302
    assert alice.__class__(alice.user, key, secret).get("/memories").status_code == 401
    assert "1 that was revoked or has expired" in page_of(browser.get("/keys"))


def test_the_page_of_an_operator_makes_no_key_to_the_others(browser_of, olga, alice):
    browser = browser_of(olga)

    secret = secret_in(page_of(browser.post("/keys", {"name": "x", "access": "write"})))

    member = olga.__class__(olga.user, olga.key, secret)
    assert member.get("/memories", {"user_id": "alice"}).status_code == 403
    assert member.get("/memories").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "x" * 256}, {"name": "\u202e"}, {"name": "a\0b"}, {"app": "x" * 256},
     {"access": "all"}, {"days": "1"}, {"days": "-1"}],
)  # fmt: skip
def test_a_form_that_makes_no_sense_makes_no_key(browser, alice, wrong):
    count = ApiKey.objects.count()

    page_of(browser.post("/keys", {"name": "x", "access": "write", "days": "", **wrong}), 400)

    assert ApiKey.objects.count() == count


def test_nobody_revokes_or_follows_the_key_of_somebody_else(browser, bob):
    assert browser.post(f"/keys/{bob.key.pk}/revoke").status_code == 404
    assert browser.get(f"/keys/{bob.key.pk}/called").status_code == 404
    assert bob.get("/memories").status_code == 200
