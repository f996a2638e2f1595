"""Staff with some permissions: no page shows what they may not view, and no action runs."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import get_resolver, reverse
from django.urls.exceptions import NoReverseMatch

from accounts.models import ApiKey, User
from apps_registry.models import App
from configuration.models import Configuration
from jobs.models import Job
from memories.models import Category, Memory
from tests.admin.conftest import staff_with

pytestmark = [pytest.mark.attacks, pytest.mark.slow]

# What must not be seen, and the permissions that show it.
MARKS = {
    "quokkatea": {"memories.view_memory", "memories.change_memory"},
    "quokkaorder": {"configuration.view_configuration", "configuration.change_configuration",
                    "configuration.view_configurationchange",
                    "configuration.change_configurationchange"},
    "quokkakey": {"accounts.view_apikey", "accounts.change_apikey"},
    "quokkaapp": {"apps_registry.view_app", "apps_registry.change_app",
                  "memories.view_memory", "memories.change_memory",
                  "apps_registry.view_accessrule", "apps_registry.change_accessrule"},
    "quokkajob": {"jobs.view_job", "jobs.change_job"},
}  # fmt: skip


@pytest.fixture
def secrets(alice):
    """One row of each kind, each with a word that nothing else has."""
    memory = Memory.objects.get(pk=alice.remember("quokkatea is green", app="quokkaapp")["id"])
    user = User.objects.get(user_id=memory.user.user_id)
    ApiKey.objects.issue(user=user, name="quokkakey")
    Configuration.objects.update_or_create(
        defaults={"openmemory": {"custom_instructions": "quokkaorder"}}
    )
    Job.objects.filter(owner=user).update(error={"code": "x", "detail": "quokkajob"})
    return memory


def admin_paths(memory):
    """Every address of the admin that the objects at hand can fill."""
    keys = {
        model._meta.model_name: model.objects.first().pk
        for model in (App, ApiKey, Category, Job, Memory, User)
        if model.objects.exists()
    }
    keys["memory"] = memory.pk
    paths = {reverse("admin:index")}
    for name in filter(None, names_of(get_resolver())):
        own = next((pk for model, pk in keys.items() if f"_{model}_" in f"_{name}_"), memory.pk)
        for arguments in ([], [own]):
            try:
                paths.add(reverse(f"admin:{name}", args=arguments))
            except NoReverseMatch:
                continue
    return sorted(path for path in paths if "logout" not in path)


def names_of(resolver):
    for pattern in resolver.url_patterns:
        if getattr(pattern, "namespace", None) == "admin":
            yield from (url.name for url in flat(pattern))


def flat(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            yield from flat(pattern)
        else:
            yield pattern


def views_of_ours():
    """Each permission of our models that lets somebody do one thing."""
    apps = {model._meta.app_label for model in admin.site._registry}
    return [
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Permission.objects.select_related("content_type")
        if permission.content_type.app_label in apps
    ]


def leaks_of(browser, paths, permissions):
    """The pages on which staff with these permissions see what they may not."""
    leaks = set()
    for path in paths:
        for query in ("", "?q=quokkatea"):
            response = browser.get(path + query)
            assert response.status_code < 500, (path, permissions)
            if response.status_code != 200 or response.streaming:
                continue
            # A page repeats the question: that is no answer.
            text = response.content.decode().replace("q=quokkatea", "")
            text = text.replace('value="quokkatea"', "").replace("“quokkatea”", "")
            leaks |= {
                (path, query, mark)
                for mark, allowed in MARKS.items()
                if mark in text and not allowed & set(permissions)
                if not (
                    mark == "quokkatea" and query == "?q=quokkatea" and "quokkatea is" not in text
                )
            }
    return leaks


@pytest.mark.parametrize(
    "permission",
    [None, "memories.view_category", "memories.view_embeddingspace", "apps_registry.view_app",
     "accounts.view_user", "accounts.view_apikey", "jobs.view_job", "jobs.change_job",
     "jobs.add_job", "configuration.view_configuration", "memories.add_memory",
     "memories.delete_memory", "memories.change_category", "accounts.change_user"],
)  # fmt: skip
def test_no_single_permission_shows_what_it_is_not_for(secrets, permission):
    permissions = [permission] if permission else []
    paths = admin_paths(secrets)

    assert len(paths) > 30
    assert leaks_of(staff_with(*permissions), paths, permissions) == set()


def test_no_action_runs_without_its_permission(secrets):
    """Every button of every list, pressed by staff who only see."""
    browser = staff_with(*[name for name in views_of_ours() if ".view_" in name])
    before = state(secrets)
    for model, model_admin in admin.site._registry.items():
        path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        row = model._default_manager.first()
        if row is None:
            continue
        for action in {*map(name_of, model_admin.actions or ()), "delete_selected"}:
            body = {"action": action, "_selected_action": [str(row.pk)], "post": "yes"}
            assert browser.post(path, body).status_code < 500, (path, action)

    assert state(secrets) == before


def test_no_page_does_anything_for_staff_who_only_see(secrets):
    """Every address of the admin, sent a form: what a button of a page would send."""
    browser = staff_with(*[name for name in views_of_ours() if ".view_" in name])
    before = state(secrets)
    for path in admin_paths(secrets):
        if "password" not in path and "login" not in path:
            response = browser.post(path, {"post": "yes", "confirm": "alice", "user_id": "alice"})
            assert response.status_code < 500, path

    assert state(secrets) == before


def state(memory):
    memory.refresh_from_db()
    return (
        Memory.objects.count(), memory.state, memory.content, User.objects.count(),
        list(App.objects.order_by("pk").values_list("name", "is_active")),
        list(Category.objects.order_by("pk").values_list("name")),
        Configuration.objects.values().get(), ApiKey.objects.filter(revoked_at=None).count(),
        sorted(Job.objects.values_list("kind", "state")),
    )  # fmt: skip


def name_of(action):
    return action if isinstance(action, str) else action.__name__
