"""Actions of users on their memories: filter, archive and pause them, and list categories."""

import pytest

from apps_registry.models import App
from memories.models import Category, Memory, State, StateChange, UserCategory
from tests.cast import errors_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def texts(answer) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {item["content"] for item in answer.json()["items"]}


@pytest.fixture
def one_of_each(alice):
    """A memory in each state, named for it."""
    for state in State.values:
        alice.remember(state, infer=False)
        Memory.objects.filter(content=state).change_state(State(state), by=alice.user)


def state_of(text: str) -> str:
    return Memory.objects.get(content=text).state


def test_a_person_manages_active_and_paused_memories(alice, one_of_each):
    assert texts(alice.post("/memories/filter", {})) == {"active", "paused"}
    assert texts(alice.post("/memories/filter", {"show_archived": True})) == {
        "active",
        "paused",
        "archived",
    }


def test_the_filters_match_and_do_not(alice):
    tea = alice.remember("I like tea.", app="chat", infer=False, timestamp=1_000)
    alice.remember("I like cars.", app="notes", infer=False, timestamp=2_000)
    Memory.objects.get(pk=tea["id"]).add_categories(Category.objects.get_or_create_many(["drinks"]))
    drinks = UserCategory.objects.get()

    def filtered(**body):
        return texts(alice.post("/memories/filter", body))

    everything = {"I like tea.", "I like cars."}
    assert filtered(app_ids=None, category_ids=None, search_query=None) == everything
    assert filtered(app_ids=[], category_ids=[], search_query="") == everything
    assert filtered(app_ids=[tea["app_id"]]) == {"I like tea."}
    assert filtered(app_ids=[UNKNOWN]) == set()
    assert filtered(category_ids=[str(drinks.pk)]) == {"I like tea."}
    assert filtered(category_ids=[UNKNOWN]) == set()
    assert filtered(search_query="TEA") == {"I like tea."}
    assert filtered(from_date=1_001) == {"I like cars."}
    assert filtered(to_date=1_000) == {"I like tea."}


def test_a_page_is_asked_for_in_the_body(alice, django_assert_num_queries):
    for number in range(5):
        alice.remember(f"Number {number}.", infer=False, timestamp=number)

    with django_assert_num_queries(3):  # key, page, count
        page = alice.post(
            "/memories/filter",
            {"page": 1, "size": 2, "sort_column": "created_at", "sort_direction": "asc"},
        ).json()

    assert [item["content"] for item in page["items"]] == ["Number 0.", "Number 1."]
    assert (page["total"], page["page"], page["size"], page["pages"]) == (5, 1, 2, 3)
    assert len(alice.post("/memories/filter", {"page": 3, "size": 2}).json()["items"]) == 1


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"page": 0}, ("body", "page")),
        ({"size": 101}, ("body", "size")),
        ({"page": "x"}, ("body", "page")),
        ({"search_query": 5}, ("body", "search_query")),
        ({"app_ids": ["x"]}, ("body", "app_ids", "0")),
        ({"category_ids": "x"}, ("body", "category_ids", "0")),
        ({"from_date": "x"}, ("body", "from_date")),
        ({"sort_column": "state"}, ("body", "sort_column")),
        ({"sort_direction": "up"}, ("body", "sort_direction")),
        ({"show_archived": "yes"}, ("body", "show_archived")),
    ],
)
def test_a_bad_filter_is_named(alice, body, place):
    answer = alice.post("/memories/filter", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {place}


@pytest.mark.parametrize("bare", [True, False])
def test_memories_are_archived_with_their_history(alice, bare):
    memory = alice.remember("I like tea.")

    if bare:
        answer = alice.post("/memories/actions/archive?user_id=alice", [memory["id"]])
    else:
        answer = alice.post(
            "/memories/actions/archive", {"memory_ids": [memory["id"]], "user_id": "alice"}
        )

    assert answer.status_code == 200
    assert answer.json() == {"message": "Successfully archived 1 memories"}
    assert state_of("I like tea.") == "archived"
    change = StateChange.objects.last()
    assert (change.old_state, change.new_state, change.changed_by) == (
        "active",
        "archived",
        alice.user,
    )


@pytest.mark.parametrize("path", ["/memories/actions/archive", "/memories/actions/pause"])
@pytest.mark.parametrize("stranger", ["unknown", "bob", "deleted"])
def test_one_wrong_id_changes_nothing(alice, bob, path, stranger):
    mine = alice.remember("Mine.")["id"]
    other = {"unknown": UNKNOWN}.get(stranger) or (bob if stranger == "bob" else alice).remember(
        "Another."
    )["id"]
    if stranger == "deleted":
        alice.delete(f"/memories/{other}")

    answer = alice.post(path, {"memory_ids": [mine, other]})

    assert answer.status_code == (409 if stranger == "deleted" else 404)
    assert other in answer.json()["detail"]
    assert state_of("Mine.") == "active"


def test_named_memories_are_paused_resumed_and_archived(alice):
    memory = alice.remember("I like tea.")

    for state, done in [("paused", "paused"), ("active", "resumed"), ("archived", "archived")]:
        answer = alice.post(
            "/memories/actions/pause",
            {"memory_ids": [memory["id"]], "all_for_app": True, "state": state, "user_id": "alice"},
        )
        assert answer.json() == {"message": f"Successfully {done} 1 memories"}
        assert state_of("I like tea.") == state
    alice.post("/memories/actions/pause", {"memory_ids": [memory["id"]], "state": "active"})
    assert state_of("I like tea.") == "active"


def test_everything_is_paused_but_only_ones_own(alice, bob, one_of_each):
    bob.remember("Bob's.")

    answer = alice.post("/memories/actions/pause", {"global_pause": True})

    assert answer.json() == {"message": "Successfully paused 1 memories"}
    assert [state_of(text) for text in State.values] == ["paused", "paused", "archived", "deleted"]
    assert state_of("Bob's.") == "active"


def test_resuming_everything_brings_back_only_what_was_paused(alice, one_of_each):
    alice.post("/memories/actions/pause", {"global_pause": True, "state": "active"})

    assert [state_of(text) for text in State.values] == ["active", "active", "archived", "deleted"]


def test_the_memories_of_an_app_are_paused(alice, bob):
    memory = alice.remember("From chat.", app="chat")
    alice.remember("From notes.", app="notes")
    body = {"app_id": memory["app_id"], "all_for_app": True}

    assert alice.post("/memories/actions/pause", body).status_code == 200

    assert (state_of("From chat."), state_of("From notes.")) == ("paused", "active")
    assert bob.post("/memories/actions/pause", body).json()["code"] == "app_not_found"


def test_the_memories_of_a_category_are_paused(alice, bob):
    memory = alice.remember("I like tea.", infer=False)
    alice.remember("I like cars.", infer=False)
    Memory.objects.get(pk=memory["id"]).add_categories(
        Category.objects.get_or_create_many(["drinks"])
    )
    body = {"category_ids": [str(UserCategory.objects.get().pk)]}

    assert alice.post("/memories/actions/pause", body).status_code == 200

    assert (state_of("I like tea."), state_of("I like cars.")) == ("paused", "active")
    for stranger in (body, {"category_ids": [UNKNOWN]}):
        answer = bob.post("/memories/actions/pause", stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "category_not_found")


def test_an_operator_pauses_the_app_of_a_user_they_name(olga, alice):
    memory = alice.remember("From chat.", app="chat")

    olga.post("/memories/actions/pause", {"app_id": memory["app_id"], "user_id": "alice"})

    assert state_of("From chat.") == "paused"
    assert StateChange.objects.last().changed_by == olga.user


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all_for_app": True},
        {"global_pause": False},
        {"memory_ids": None},
        {"memory_ids": [UNKNOWN], "global_pause": True},
        {"memory_ids": [UNKNOWN], "app_id": UNKNOWN},
        {"category_ids": [UNKNOWN], "app_id": UNKNOWN},
        {"memory_ids": []},
        {"global_pause": "yes"},
        {"global_pause": True, "state": "deleted"},
        {"app_id": "x"},
        {"category_ids": [5]},
    ],
)
def test_anything_but_exactly_one_selector_is_refused(alice, body):
    alice.remember("I like tea.")

    answer = alice.post("/memories/actions/pause", body)

    assert answer.status_code == 400
    assert answer.json()["errors"]
    assert state_of("I like tea.") == "active"


@pytest.mark.slow
def test_the_number_of_statements_does_not_grow(alice, django_assert_num_queries):
    ids = [alice.remember(f"Number {n}.", infer=False)["id"] for n in range(20)]

    # key, the ids, what is deleted, and one statement between the ends of a transaction
    with django_assert_num_queries(6):
        alice.post("/memories/actions/pause", {"memory_ids": ids[:1]})
    with django_assert_num_queries(6):
        alice.post("/memories/actions/pause", {"memory_ids": ids[1:]})
    with django_assert_num_queries(4):
        alice.post("/memories/actions/pause", {"global_pause": True, "state": "active"})


@pytest.mark.slow
def test_thousands_of_memories_change_in_as_many_statements_as_one(
    alice, django_assert_num_queries
):
    app = App.objects.get_or_create_active(alice.user, name="chat")
    memories = Memory.objects.bulk_create(
        Memory(user=alice.user, app=app, content=str(number), fingerprint=b"", words="")
        for number in range(2_000)
    )
    ids = [str(memory.pk) for memory in memories]

    with django_assert_num_queries(7):  # and the first use of the key
        answer = alice.post("/memories/actions/pause", {"memory_ids": ids})

    assert answer.json() == {"message": "Successfully paused 2000 memories"}
    assert StateChange.objects.filter(new_state="paused", changed_by=alice.user).count() == 2_000
    assert alice.delete("/memories", {"memory_ids": [*ids[1:], UNKNOWN]}).status_code == 404
    assert not Memory.objects.filter(state=State.DELETED).exists()


def test_categories_are_those_of_live_memories(alice, bob, django_assert_num_queries):
    for name in ("tea", "dogs", "cars"):
        memory = alice.remember(f"About {name}.", infer=False)
        Memory.objects.get(pk=memory["id"]).add_categories(
            Category.objects.get_or_create_many([name])
        )
    Category.objects.get_or_create_many(["unused"])
    alice.delete(f"/memories/{memory['id']}")

    with django_assert_num_queries(2):
        answer = alice.get("/memories/categories")

    assert answer.status_code == 200
    assert answer.json()["total"] == 2
    dogs, tea = answer.json()["categories"]
    assert (dogs["name"], tea["name"]) == ("dogs", "tea")
    assert dogs["created_at"].endswith("Z")
    assert dogs["updated_at"].endswith("Z")
    assert set(dogs) == {"id", "name", "description", "created_at", "updated_at"}
    assert bob.get("/memories/categories").json() == {"categories": [], "total": 0}


def test_a_long_value_that_is_wrong_is_not_quoted(alice):
    problem = alice.post("/memories/filter", {"sort_column": "x" * 20_000}).json()

    [error] = problem["errors"]
    assert error["detail"] == "Send `memory`, `categories`, `app_name` or `created_at`."
    assert problem["detail"] == f"`sort_column`: {error['detail']}"
