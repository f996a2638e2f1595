from django.urls import reverse

from apps_registry.models import AccessRule, App

PRESSED = {"_form_submitted": "on"}


def add_rule(browser, app, **given):
    return browser.post(
        reverse("admin:apps_registry_app_add_rule", args=[app.pk]), {**PRESSED, **given}
    )


def test_a_rule_holds_from_the_next_request_on(browser, alice):
    made = alice.remember("We have a dog", app="notes")
    notes = App.objects.get()
    key = alice.with_key(app_name="notes")
    assert key.get("/memories").json()["total"] == 1

    add_rule(browser, notes, effect="deny", memory_id=made["id"])

    assert key.get("/memories").json()["total"] == 0
    assert made["id"] in browser.get(
        reverse("admin:apps_registry_app_change", args=[notes.pk])
    ).content.decode()  # fmt: skip


def test_a_rule_about_somebody_elses_memory_is_not_made(browser, alice, bob):
    alice.remember("We have a dog", app="notes")
    foreign = bob.remember("A cat", app="notes")
    notes = App.objects.get(owner=alice.user)

    answer = add_rule(browser, notes, effect="allow", memory_id=foreign["id"])

    assert answer.status_code == 302
    page = browser.get(answer.headers["Location"]).content.decode()
    assert "Memory not found" in page
    assert not AccessRule.objects.exists()


def test_a_rule_is_taken_away(browser, alice):
    alice.remember("We have a dog", app="notes")
    rule = AccessRule.objects.create(app=App.objects.get(), effect="deny")

    address = reverse("admin:apps_registry_accessrule_delete", args=[rule.pk])
    assert browser.get(address).status_code == 200
    browser.post(address, {"post": "yes"})

    assert not AccessRule.objects.exists()


def test_who_only_sees_takes_none_away(reading, alice):
    rule = AccessRule.objects.create(
        app=App.objects.create(owner=alice.user, name="notes"), effect="deny"
    )

    address = reverse("admin:apps_registry_accessrule_delete", args=[rule.pk])

    assert reading.post(address, {"post": "yes"}).status_code == 403
    assert AccessRule.objects.exists()
