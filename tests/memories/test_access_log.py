"""The access log, related memories, and what rules let an app read."""

import pytest

from memories.models import Access, Category, Memory
from tests.cast import errors_of

pytestmark = pytest.mark.slow

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def test_each_hit_of_a_search_is_in_its_access_log(alice):
    memory = alice.remember("Our dog Rex is afraid of thunder.", app="notes")
    alice.post("/memories/search", {"query": "dog", "app": "chat"})
    alice.post("/memories/search", {"query": "dog"})

    log = alice.get(f"/memories/{memory['id']}/access-log").json()

    chat = alice.user.apps.get(name="chat")
    newest, first = log.pop("logs")
    assert log == {"total": 2, "page": 1, "page_size": 10}
    assert (newest["app_id"], newest["app_name"]) == (None, None)
    assert first["accessed_at"].endswith("Z")
    first.pop("accessed_at")
    assert first == {
        "id": Access.objects.order_by("id")[0].pk,
        "memory_id": memory["id"],
        "app_id": str(chat.pk),
        "app_name": "chat",
        "access_type": "search",
        "metadata_": {},
    }


def test_what_a_bound_key_reads_is_logged_as_its_apps(alice):
    memory = alice.remember("I like tea.", app="notes")
    bound = alice.with_key(app_name="notes")

    bound.get("/memories")
    bound.get(f"/memories/{memory['id']}")
    alice.get("/memories")
    alice.get(f"/memories/{memory['id']}")

    log = alice.get(f"/memories/{memory['id']}/access-log").json()["logs"]
    assert [(entry["app_name"], entry["access_type"]) for entry in log] == [
        ("notes", "get"),
        ("notes", "list"),
    ]


def test_the_access_log_comes_in_pages(alice, django_assert_num_queries):
    memory = alice.remember("I like tea.")
    for _ in range(3):
        alice.post("/memories/search", {"query": "tea"})

    with django_assert_num_queries(4):
        page = alice.get(f"/memories/{memory['id']}/access-log", {"page_size": 2}).json()

    assert (len(page["logs"]), page["total"], page["page_size"]) == (2, 3, 2)
    assert (
        len(alice.get(f"/memories/{memory['id']}/access-log?page=2&page_size=2").json()["logs"])
        == 1
    )


@pytest.mark.parametrize("part", ["access-log", "related"])
def test_another_users_memory_does_not_exist(alice, bob, part):
    memory = alice.remember("I like tea.")

    for pk in (memory["id"], UNKNOWN, "none"):
        answer = bob.get(f"/memories/{pk}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "memory_not_found")
    assert bob.get(f"/memories/{memory['id']}/{part}?user_id=alice").status_code == 403
    assert errors_of(alice.get(f"/memories/{memory['id']}/{part}?page=0")) == {("query", "page")}


def test_related_memories_share_categories_most_first_then_nearest(
    alice, django_assert_num_queries
):
    def put(text, *names):
        memory = alice.remember(text, infer=False)
        Memory.objects.get(pk=memory["id"]).add_categories(
            Category.objects.get_or_create_many(names)
        )
        return memory["id"]

    tea = put("I like green tea.", "drinks", "preferences")
    put("Stock markets fell.", "drinks")
    put("Black tea is fine too.", "drinks")
    put("I prefer coffee in the morning.", "drinks", "preferences")
    put("My car is red.", "cars")
    gone = put("Herbal tea.", "drinks", "preferences")
    alice.delete(f"/memories/{gone}")

    with django_assert_num_queries(7):
        page = alice.get(f"/memories/{tea}/related").json()

    assert [item["content"] for item in page["items"]] == [
        "I prefer coffee in the morning.",
        "Black tea is fine too.",
        "Stock markets fell.",
    ]
    assert (page["total"], page["page"], page["size"], page["pages"]) == (3, 1, 5, 1)


def test_a_memory_without_categories_has_no_related_ones(alice):
    memory = alice.remember("I like tea.", infer=False)
    alice.remember("I like green tea.", infer=False)

    assert alice.get(f"/memories/{memory['id']}/related").json()["items"] == []


@pytest.fixture
def two(alice):
    """Two memories in one category, and a key of the app `notes` that put them down."""
    ids = {}
    for text in ("I like green tea.", "I like black tea."):
        memory = alice.remember(text, app="notes", infer=False)
        Memory.objects.get(pk=memory["id"]).add_categories(
            Category.objects.get_or_create_many(["drinks"])
        )
        ids[text] = memory["id"]
    return ids


def what_is_read(member, ids) -> set[str]:
    """What a key reads in each way there is, which is the same in all of them."""
    listed = {item["content"] for item in member.get("/memories").json()["items"]}
    found = {
        hit["text"] for hit in member.post("/memories/search", {"query": "tea"}).json()["results"]
    }
    shown = {text for text, pk in ids.items() if member.get(f"/memories/{pk}").status_code == 200}
    managed = {item["content"] for item in member.post("/memories/filter", {}).json()["items"]}
    assert listed == found == shown == managed
    for text, pk in ids.items():
        related = member.get(f"/memories/{pk}/related")
        assert (related.status_code == 200) == (text in listed)
        if text in listed:
            assert {item["content"] for item in related.json()["items"]} == listed - {text}
    return listed


def rule(alice, memory_id, effect):
    app = alice.user.apps.get(name="notes")
    answer = alice.post(f"/apps/{app.pk}/rules", {"memory_id": memory_id, "effect": effect})
    assert answer.status_code == 201, answer.content
    return answer.json()


@pytest.mark.parametrize(
    ("rules", "read"),
    [
        ([], {"green", "black"}),
        ([(None, "allow")], {"green", "black"}),
        ([(None, "deny")], set()),
        ([("green", "deny")], {"black"}),
        ([("green", "allow")], {"green"}),
        ([("green", "allow"), (None, "allow")], {"green"}),
        ([("green", "allow"), ("black", "allow")], {"green", "black"}),
        ([("green", "allow"), ("green", "deny")], set()),
        ([("green", "allow"), (None, "deny")], set()),
        ([("green", "deny"), (None, "allow")], {"black"}),
    ],
)
def test_rules_say_what_an_app_reads(alice, two, rules, read):
    bound = alice.with_key(app_name="notes")
    for colour, effect in rules:
        rule(alice, colour and two[f"I like {colour} tea."], effect)

    assert what_is_read(bound, two) == {f"I like {colour} tea." for colour in read}
    assert what_is_read(alice, two) == set(two)
    assert what_is_read(alice.with_key(app_name="chat"), two) == set(two)


def test_what_an_app_may_not_read_it_cannot_change(alice, two):
    bound = alice.with_key(app_name="notes")
    green = two["I like green tea."]
    rule(alice, green, "deny")

    assert bound.put(f"/memories/{green}", {"memory_content": "No."}).status_code == 404
    assert bound.delete(f"/memories/{green}").status_code == 404
    assert bound.delete("/memories", {"memory_ids": [green]}).status_code == 404
    bound.post("/memories/actions/pause", {"global_pause": True})
    assert Memory.objects.get(pk=green).state == "active"


def test_a_rule_taken_back_bounds_nothing(alice, two):
    bound = alice.with_key(app_name="notes")
    deny_rule = rule(alice, None, "deny")
    app = alice.user.apps.get(name="notes")

    assert alice.delete(f"/apps/{app.pk}/rules/{deny_rule['id']}").status_code == 204

    assert what_is_read(bound, two) == set(two)
    again = alice.delete(f"/apps/{app.pk}/rules/{deny_rule['id']}")
    assert (again.status_code, again.json()["code"]) == (404, "rule_not_found")


def test_rules_are_listed_and_stated_once(alice, two):
    app = alice.user.apps.get(name="notes")
    first = rule(alice, None, "deny")
    assert rule(alice, None, "deny") == first
    named = rule(alice, two["I like green tea."], "allow")

    page = alice.get(f"/apps/{app.pk}/rules").json()

    assert page == {"items": [first, named], "total": 2, "page": 1, "size": 10, "pages": 1}
    assert set(first) == {"id", "memory_id", "effect", "created_at"}


def test_a_bound_key_does_not_free_its_app(alice, two):
    bound = alice.with_key(app_name="notes")
    app = alice.user.apps.get(name="notes")
    deny_rule = rule(alice, None, "deny")

    for answer in (
        bound.post(f"/apps/{app.pk}/rules", {"effect": "allow"}),
        bound.delete(f"/apps/{app.pk}/rules/{deny_rule['id']}"),
        bound.put(f"/apps/{app.pk}", {"is_active": True}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "key_bound_to_app")


def test_rules_about_what_is_not_ones_own_are_unknown(alice, bob, two):
    app = alice.user.apps.get(name="notes")
    bobs = bob.remember("Bob's.")

    for pk in (bobs["id"], UNKNOWN):
        answer = alice.post(f"/apps/{app.pk}/rules", {"memory_id": pk, "effect": "deny"})
        assert (answer.status_code, answer.json()["code"]) == (404, "memory_not_found")
    for answer in (
        bob.get(f"/apps/{app.pk}/rules"),
        bob.post(f"/apps/{app.pk}/rules", {"effect": "deny"}),
        bob.delete(f"/apps/{app.pk}/rules/{UNKNOWN}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "app_not_found")


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ("body", "effect")),
        ({"effect": "maybe"}, ("body", "effect")),
        ({"effect": "deny", "memory_id": "x"}, ("body", "memory_id")),
    ],
)
def test_a_bad_rule_is_refused(alice, two, body, place):
    app = alice.user.apps.get(name="notes")

    answer = alice.post(f"/apps/{app.pk}/rules", body)

    assert answer.status_code == 400
    assert errors_of(answer) == {place}
