from datetime import UTC, datetime

import pytest

from memories.models import Category, Memory, State
from tests.cast import errors_of


def contents(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["content"] for item in answer.json()["items"]]


def test_a_list_shows_memories_as_the_seed_does(alice):
    memory = alice.remember("I like tea.", metadata={"k": 1}, infer=False)

    page = alice.get("/memories").json()

    assert page == {
        "items": [
            {
                "id": memory["id"],
                "content": "I like tea.",
                "created_at": memory["created_at"],
                "state": "active",
                "app_id": memory["app_id"],
                "app_name": "openmemory",
                "categories": [],
                "metadata_": {"k": 1},
                "superseded_by": None,
                "supersedes": [],
                "actor": None,
                "conversation": None,
                "expires_at": None,
                "valid_from": None,
                "valid_until": None,
                "immutable": False,
                "namespace": None,
                "key": None,
            }
        ],
        "total": 1,
        "page": 1,
        "size": 50,
        "pages": 1,
    }


def test_the_newest_come_first(alice):
    for year in (2001, 2003, 2002):
        moment = datetime(year, 1, 1, tzinfo=UTC)
        alice.remember(f"In {year}.", timestamp=int(moment.timestamp()))

    assert contents(alice.get("/memories")) == ["In 2003.", "In 2002.", "In 2001."]


def test_nobody_sees_the_memories_of_another(alice, bob):
    alice.remember("I like tea.")

    assert bob.get("/memories").json()["total"] == 0
    assert bob.get("/memories", {"user_id": "alice"}).status_code == 403


def test_an_operator_names_whose_memories_to_list(olga, alice):
    alice.remember("I like tea.")

    assert contents(olga.get("/memories")) == []
    assert contents(olga.get("/memories", {"user_id": "alice"})) == ["I like tea."]
    assert olga.get("/memories", {"user_id": "nobody"}).status_code == 404


def test_only_active_memories_are_listed(alice):
    for state in State.values:
        alice.remember(f"This is {state}.", infer=False)
        Memory.objects.filter(content=f"This is {state}.").change_state(State(state), by=alice.user)

    page = alice.get("/memories").json()

    assert [item["content"] for item in page["items"]] == ["This is active."]
    assert page["total"] == 1


def test_an_app_can_be_picked(alice):
    memory = alice.remember("From chat.", app="chat")
    alice.remember("From notes.", app="notes")

    assert contents(alice.get("/memories", {"app_id": memory["app_id"]})) == ["From chat."]
    assert contents(alice.get("/memories", {"app_id": memory["id"]})) == []


def test_dates_are_inclusive_to_the_second(alice):
    alice.remember("Early.", infer=False, timestamp=1_000)
    memory = alice.remember("Late.", infer=False, timestamp=2_000)
    Memory.objects.filter(pk=memory["id"]).update(created_at=datetime.fromtimestamp(2_000.9, UTC))

    def between(**dates):
        return contents(alice.get("/memories", {"sort_column": "created_at", **dates}))

    assert between() == ["Early.", "Late."]
    assert between(from_date=1_000, to_date=2_000) == ["Early.", "Late."]
    assert between(from_date=1_001) == ["Late."]
    assert between(to_date=1_999) == ["Early."]
    assert between(from_date=2_001) == []
    assert between(to_date=253_402_300_798) == ["Early.", "Late."]


def test_any_of_several_categories_matches(alice):
    for name in ("tea", "dogs", "cars"):
        memory = alice.remember(f"About {name}.", infer=False)
        Memory.objects.get(pk=memory["id"]).add_categories(
            Category.objects.get_or_create_many([name])
        )
    Memory.objects.get(content="About tea.").add_categories(
        Category.objects.get_or_create_many(["dogs"])
    )

    def within(names):
        return set(contents(alice.get("/memories", {"categories": names})))

    assert within("tea") == {"About tea."}
    assert within("TEA, cars") == {"About tea.", "About cars."}
    assert within("dogs,tea") == {"About tea.", "About dogs."}
    assert within("trees") == set()


def test_a_search_query_is_a_part_of_the_content_in_any_case(alice):
    alice.remember("The Ångström unit is 100% small_ish.", infer=False)
    alice.remember("Something else.", infer=False)

    for query in ("ångstr", "UNIT IS", "100%", "l_ish", "M U"):
        assert contents(alice.get("/memories", {"search_query": query})) == [
            "The Ångström unit is 100% small_ish."
        ], query
    for query in ("100_", "unit%small", "tea"):
        assert contents(alice.get("/memories", {"search_query": query})) == []


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        ("memory", ["Alpha", "Bravo", "Charlie"]),
        ("created_at", ["Charlie", "Alpha", "Bravo"]),
        ("app_name", ["Bravo", "Charlie", "Alpha"]),
        ("categories", ["Bravo", "Alpha", "Charlie"]),
    ],
)
def test_each_column_sorts_both_ways(alice, column, ascending):
    for second, (content, app, category) in enumerate(
        [("Charlie", "b", "z"), ("Alpha", "c", "y"), ("Bravo", "a", "x")], start=1
    ):
        memory = alice.remember(content, app=app, infer=False, timestamp=second)
        Memory.objects.get(pk=memory["id"]).add_categories(
            Category.objects.get_or_create_many([category])
        )

    def sorted_by(**order):
        return contents(alice.get("/memories", {"sort_column": column, **order}))

    assert sorted_by() == ascending
    assert sorted_by(sort_direction="asc") == ascending
    assert sorted_by(sort_direction="desc") == ascending[::-1]


def test_paging_shows_each_memory_once_though_all_are_as_old(alice):
    for number in range(5):
        alice.remember(f"Number {number}.", infer=False, timestamp=1_000)

    pages = [alice.get("/memories", {"page": page, "page_size": 2}).json() for page in (1, 2, 3, 4)]

    assert [len(page["items"]) for page in pages] == [2, 2, 1, 0]
    assert {page["total"] for page in pages} == {5}
    assert {page["pages"] for page in pages} == {3}
    assert len({item["id"] for page in pages for item in page["items"]}) == 5
    assert alice.get("/memories", {"page": 2, "size": 2}).json() == pages[1]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"app_id": "none"}, "app_id"),
        ({"app_id": ""}, "app_id"),
        ({"to_date": ""}, "to_date"),
        ({"from_date": "yesterday"}, "from_date"),
        ({"to_date": "1.5"}, "to_date"),
        ({"to_date": 10**30}, "to_date"),
        ({"to_date": 253_402_300_799}, "to_date"),
        ({"from_date": -1}, "from_date"),
        ({"sort_column": "state"}, "sort_column"),
        ({"sort_column": "memory", "sort_direction": "up"}, "sort_direction"),
        ({"sort_direction": ""}, "sort_direction"),
        ({"sort_column": ""}, "sort_column"),
        ({"page": 0}, "page"),
        ({"page": "two"}, "page"),
        ({"page_size": 101}, "page_size"),
        ({"page_size": 0}, "page_size"),
        ({"size": 101}, "size"),
    ],
)
def test_a_bad_parameter_is_named(alice, params, field):
    answer = alice.get("/memories", params)

    assert answer.status_code == 400
    assert errors_of(answer) == {("query", field)}


def test_every_bad_parameter_is_named(alice):
    answer = alice.get(
        "/memories", {"app_id": "x", "from_date": "y", "sort_column": "z", "page": 0, "size": 0}
    )

    assert errors_of(answer) == {
        ("query", "page"),
        ("query", "size"),
        ("query", "app_id"),
        ("query", "from_date"),
        ("query", "sort_column"),
    }


def test_the_number_of_statements_does_not_grow(alice, django_assert_num_queries):
    for number in range(3):
        alice.remember(f"We fly to Japan in {number} days and stay in a hotel.")
    with django_assert_num_queries(3):  # key, page, count
        alice.get("/memories", {"page_size": 2})

    for number in range(9):
        alice.remember(f"We fly to Japan in {number} weeks and stay in a hotel.")

    with django_assert_num_queries(3):
        alice.get("/memories", {"page_size": 2})


def test_a_paused_app_reads_nothing(alice):
    bound = alice.with_key(app_name="notes")
    bound.remember("I like tea.")
    alice.user.apps.update(is_active=False)

    for answer in (
        bound.get("/memories"),
        bound.post("/memories/search", {"query": "tea"}),
        alice.post("/memories/search", {"query": "tea", "app": "notes"}),
    ):
        assert answer.status_code == 403
        assert answer.json()["code"] == "app_paused"
