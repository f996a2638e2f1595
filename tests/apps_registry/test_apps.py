import pytest

from apps_registry.models import App
from memories.models import Memory
from tests.cast import errors_of

pytestmark = pytest.mark.slow

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def apps(alice):
    """`chat` put down two memories and read one, twice; `notes` put down one."""
    alice.remember("We fly to Japan in October.", app="chat")
    gone = alice.remember("Something else.", app="chat")
    alice.remember("I like tea.", app="notes")
    alice.delete(f"/memories/{gone['id']}")
    alice.remember("The meeting is on Monday.", app="chat")
    for _ in range(2):
        alice.post("/memories/search", {"query": "tea", "app": "chat", "top_k": 1})
    return {app.name: app for app in alice.user.apps.all()}


def test_apps_are_listed_with_their_counts(alice, apps, django_assert_num_queries):
    with django_assert_num_queries(2):
        answer = alice.get("/apps")

    assert answer.json() == {
        "total": 2,
        "page": 1,
        "page_size": 10,
        "apps": [
            {
                "id": str(apps["chat"].pk),
                "name": "chat",
                "is_active": True,
                "total_memories_created": 2,
                "total_memories_accessed": 1,
            },
            {
                "id": str(apps["notes"].pk),
                "name": "notes",
                "is_active": True,
                "total_memories_created": 1,
                "total_memories_accessed": 0,
            },
        ],
    }


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [app["name"] for app in answer.json()["apps"]]


def test_apps_are_filtered_by_name_and_activity(alice, apps):
    apps["notes"].set_active(False)

    assert names(alice.get("/apps", {"name": "OTE"})) == ["notes"]
    assert names(alice.get("/apps", {"name": "x"})) == []
    for active, paused in (("true", "false"), ("True", "False"), ("1", "0")):
        assert names(alice.get("/apps", {"is_active": active})) == ["chat"]
        assert names(alice.get("/apps", {"is_active": paused})) == ["notes"]


@pytest.mark.parametrize("column", ["name", "memories", "memories_accessed"])
def test_apps_are_sorted_both_ways(alice, apps, column):
    ascending = ["chat", "notes"] if column == "name" else ["notes", "chat"]

    assert names(alice.get("/apps", {"sort_by": column})) == ascending
    descending = names(alice.get("/apps", {"sort_by": column, "sort_direction": "desc"}))
    assert descending == ascending[::-1]


def test_apps_come_in_pages(alice, apps):
    page = alice.get("/apps", {"page": 2, "page_size": 1}).json()

    assert (page["total"], page["page"], page["page_size"]) == (2, 2, 1)
    assert [app["name"] for app in page["apps"]] == ["notes"]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"sort_by": "created_at"}, "sort_by"),
        ({"sort_by": "name", "sort_direction": "up"}, "sort_direction"),
        ({"sort_direction": ""}, "sort_direction"),
        ({"is_active": ""}, "is_active"),
        ({"is_active": "perhaps"}, "is_active"),
        ({"page_size": 101}, "page_size"),
    ],
)
def test_a_bad_parameter_is_named(alice, params, field):
    answer = alice.get("/apps", params)

    assert answer.status_code == 400
    assert errors_of(answer) == {("query", field)}


def test_an_app_is_shown_with_its_use(alice, apps, django_assert_num_queries):
    with django_assert_num_queries(2):
        shown = alice.get(f"/apps/{apps['chat'].pk}").json()

    assert shown.pop("first_accessed").endswith("Z")
    assert shown.pop("last_accessed").endswith("Z")
    assert shown == {
        "id": str(apps["chat"].pk),
        "name": "chat",
        "description": "",
        "is_active": True,
        "total_memories_created": 2,
        "total_memories_accessed": 2,
    }
    unused = alice.get(f"/apps/{apps['notes'].pk}").json()
    assert (unused["first_accessed"], unused["last_accessed"]) == (None, None)


@pytest.mark.parametrize("how", ["body", "query", "query, no body"])
def test_an_app_is_paused_and_goes_on(alice, apps, how):
    path = f"/apps/{apps['chat'].pk}"

    def put(active):
        if how == "body":
            return alice.put(path, {"is_active": active})
        return alice.put(f"{path}?is_active={str(active).lower()}", None if "no" in how else {})

    answer = put(False)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "message": "Updated app details successfully",
    }
    assert alice.post("/memories", {"text": "No.", "app": "chat"}).status_code == 403
    put(True)
    assert alice.post("/memories", {"text": "Yes.", "app": "chat"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"is_active": "no"}, {"is_active": None}, {"is_active": 0}])
def test_an_update_that_says_nothing_clear_is_refused(alice, apps, body):
    answer = alice.put(f"/apps/{apps['chat'].pk}", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "is_active")}


def test_a_query_that_is_wrong_is_refused_whatever_the_body_says(alice, apps):
    answer = alice.put(f"/apps/{apps['chat'].pk}?is_active=null", {"is_active": False})

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
    assert not App.objects.paused().exists()


def test_what_an_app_put_down_is_listed_with_iso_times(alice, apps, django_assert_num_queries):
    with django_assert_num_queries(3):  # key, app, page
        page = alice.get(f"/apps/{apps['chat'].pk}/memories").json()

    newest, oldest = page.pop("memories")
    assert page == {"total": 2, "page": 1, "page_size": 10}
    assert newest["content"] == "The meeting is on Monday."
    assert newest["created_at"].endswith("Z")
    memory = Memory.objects.get(pk=oldest["id"])
    assert set(oldest) == {
        "id",
        "content",
        "created_at",
        "state",
        "app_id",
        "app_name",
        "categories",
        "metadata_",
        "superseded_by",
        "supersedes",
        "actor",
        "conversation",
        "expires_at",
        "valid_from",
        "valid_until",
        "immutable",
        "namespace",
        "key",
    }
    assert memory.content == "We fly to Japan in October."


def test_what_an_app_read_is_listed_most_read_first(alice, apps, django_assert_num_queries):
    alice.post("/memories/search", {"query": "Japan", "app": "chat", "top_k": 1})

    with django_assert_num_queries(3):
        page = alice.get(f"/apps/{apps['chat'].pk}/accessed").json()

    read = [(each["memory"]["content"], each["access_count"]) for each in page.pop("memories")]
    assert page == {"total": 2, "page": 1, "page_size": 10}
    assert read == [("I like tea.", 2), ("We fly to Japan in October.", 1)]


@pytest.mark.parametrize("part", ["", "/memories", "/accessed", "/rules"])
def test_another_users_app_does_not_exist(alice, bob, apps, part):
    for pk in (apps["chat"].pk, UNKNOWN, "none"):
        answer = bob.get(f"/apps/{pk}{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "app_not_found")
    assert bob.put(f"/apps/{apps['chat'].pk}", {"is_active": False}).status_code == 404
    assert bob.get("/apps").json()["total"] == 0
    assert bob.get(f"/apps/{apps['chat'].pk}{part}?user_id=alice").status_code == 403


def test_a_key_of_a_paused_app_is_shown_no_apps_rules_or_figures(alice):
    notes = App.objects.create(owner=alice.user, name="notes")
    bound = alice.with_key(app_name="notes")
    addresses = ["/apps", f"/apps/{notes.pk}", f"/apps/{notes.pk}/rules", "/stats"]
    assert {bound.get(address).status_code for address in addresses} == {200}

    notes.set_active(False)

    refused = [bound.get(address) for address in addresses]
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {
        (403, "app_paused")
    }
    assert {alice.get(address).status_code for address in addresses} == {200}
