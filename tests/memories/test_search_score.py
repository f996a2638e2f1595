"""The score of a hit as a probability, and the floor below which a search returns nothing."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from apps_registry.models import AccessRule, App, Effect
from memories.models import Embedding, EmbeddingSpace, Memory, State
from tests.cast import Member
from tests.memories.stock import stock

NORA = [
    "Nora repairs church organs for a living.",
    "Nora cannot eat anything with hazelnuts in it.",
    "Nora has an old greyhound called Bruno.",
    "Nora's twin brother lives in Trondheim.",
    "Nora swims in the lake every morning, even in winter.",
    "Nora rents a flat above a bakery.",
    "Nora sold her car and gets about on a cargo bike.",
    "Nora broke her wrist falling off a ladder in 2019.",
    "Nora is learning the accordion for a friend's wedding.",
    "Nora keeps the invoices of her workshop in a blue folder.",
    "The invoice INV-2024-0045 was paid in May.",
    "The invoice INV-2024-0046 is still open.",
]
FOREIGN = ["What is the capital of Mongolia?", "Which lessons do pupils have with Milan?"]


@pytest.fixture
def nora(alice: Member) -> Member:
    for text in NORA:
        alice.remember(text, infer=False)
    return alice


def answer(member: Member, query: str, **body) -> dict:
    response = member.post("/memories/search", {"query": query, **body})
    assert response.status_code == 200, response.content
    return response.json()


def texts(member: Member, query: str, **body) -> list[str]:
    return [result["text"] for result in answer(member, query, **body)["results"]]


@pytest.mark.parametrize("query", FOREIGN)
def test_what_nothing_here_answers_is_answered_with_nothing(nora, query):
    assert answer(nora, query) == {"results": [], "nothing_fits": True}
    assert len(texts(nora, query, min_score=0)) == 10


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("What is Nora's trade?", NORA[0]),
        ("Which food would make Nora ill?", NORA[1]),
        ("what is the name of her dog", NORA[2]),
        ("invoice 0045", NORA[10]),
        ("INV-2024-0046", NORA[11]),
        ("Trondheim", NORA[3]),
        ("hazelnuts", NORA[1]),
    ],
)
def test_what_a_memory_answers_is_found(nora, query, text):
    found = answer(nora, query)

    assert text in [result["text"] for result in found["results"]][:3]
    assert "nothing_fits" not in found


def test_scores_are_probabilities_that_fall(nora):
    scores = [result["score"] for result in answer(nora, "Where does the twin live?")["results"]]

    assert len(scores) == 10
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


def test_the_best_of_a_hopeless_search_scores_below_that_of_a_good_one(nora):
    good = answer(nora, "Which instrument is Nora learning?", min_score=0)["results"][0]
    hopeless = answer(nora, FOREIGN[0], min_score=0)["results"][0]

    assert hopeless["score"] < 0.2 < good["score"]


def test_a_score_is_explained_by_its_fit_and_share(nora):
    for result in answer(nora, "Which pet does Nora have?", explain=True)["results"]:
        explanation = result["explanation"]
        assert result["score"] == pytest.approx(explanation["fit"] * explanation["share"])
        assert explanation["floor"] == 0.2
        assert explanation["fit_parts"]["known_name"] == 1
        assert explanation["fit_parts"]["unknown_name"] == 0


def test_a_minimum_leaves_out_lower_scores_and_replaces_the_floor(nora):
    everything = answer(nora, "Nora's pet", min_score=0, top_k=12)["results"]
    least = everything[3]["score"]

    kept = answer(nora, "Nora's pet", min_score=least, top_k=12)["results"]

    assert [result["id"] for result in kept] == [result["id"] for result in everything[:4]]


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", True])
def test_a_wrong_minimum_is_refused(alice, value):
    problem = alice.post("/memories/search", {"query": "tea", "min_score": value})

    assert problem.status_code == 400
    assert problem.json()["errors"][0]["loc"] == ["body", "min_score"]


def test_the_floor_is_a_setting(nora, settings):
    settings.SEARCH_FLOOR = 0

    assert texts(nora, FOREIGN[0])


def test_who_has_few_memories_finds_what_they_ask(alice):
    for text in ("I drink green tea.", "My sister lives in Lyon.", "The car is at the garage."):
        alice.remember(text, infer=False)

    assert texts(alice, "What do I like to drink?")[0] == "I drink green tea."
    assert texts(alice, "Where does my sibling live?")[0] == "My sister lives in Lyon."


def test_what_the_model_knows_no_script_of_has_no_floor(alice):
    for text in ("医生让我少喝咖啡", "我喜欢爬山", "她在里昂工作"):
        alice.remember(text, infer=False)

    assert len(texts(alice, "我最喜欢的运动是什么")) == 3


def test_memories_without_vectors_have_no_floor(nora):
    Embedding.objects.filter(user=nora.user).delete()

    assert texts(nora, "hazelnuts in the capital of Mongolia") == [NORA[1]]


def test_filters_have_no_floor(nora):
    app = App.objects.get(owner=nora.user)

    assert texts(nora, FOREIGN[0], filters={"app_ids": [str(app.pk)]})
    assert not texts(nora, FOREIGN[0], filters={"app_ids": []})


def test_the_owner_of_the_memories_is_no_stranger(alice):
    alice.user.name = "Alice Novak"
    alice.user.save()
    for text in [*NORA[:9], "I drink green tea.", "My cat is called Pixel."]:
        alice.remember(text.replace("Nora", "She"), infer=False)

    [best, *_] = answer(alice, "What does Novak drink?", explain=True)["results"]

    assert best["text"] == "I drink green tea."
    assert best["explanation"]["fit_parts"]["unknown_name"] == 0


# --- Why a memory was not found ---------------------------------------------------------------


def missing(member: Member, query: str, *ids: str, **body) -> dict[str, str]:
    explained = answer(member, query, explain_missing=list(ids), **body)["missing"]
    assert [entry["id"] for entry in explained] == list(ids)
    return {entry["id"]: entry["reason"] for entry in explained}


def ids_of(member: Member) -> dict[str, str]:
    return {memory.content: str(memory.pk) for memory in Memory.objects.filter(user=member.user)}


def test_a_candidate_says_where_it_was_cut(nora):
    ids = ids_of(nora)
    query = "Which pet does Nora have?"
    [best, second] = answer(nora, query, top_k=2)["results"]
    third = answer(nora, query, top_k=3)["results"][2]

    [found, cut] = answer(nora, query, top_k=2, explain_missing=[best["id"], third["id"]])[
        "missing"
    ]

    assert (found["reason"], found["place"]) == ("found", 1)
    assert (cut["reason"], cut["place"]) == ("beyond_top_k", 3)
    assert cut["score"] == third["score"]
    assert cut["score"] <= second["score"]
    far = ids[NORA[11]]
    assert missing(nora, query, far, threshold=0.99) == {far: "below_threshold"}
    assert missing(nora, query, far, min_score=0.99) == {far: "below_min_score"}
    assert missing(nora, FOREIGN[0], far) == {far: "below_floor"}


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED, State.DELETED])
def test_what_is_not_active_says_so(nora, state):
    pk = ids_of(nora)[NORA[2]]
    Memory.objects.filter(pk=pk).change_state(state, by=nora.user)

    assert missing(nora, "Nora's dog", pk) == {pk: state.value}


def test_what_has_expired_says_so(nora):
    pk = ids_of(nora)[NORA[2]]
    Memory.objects.filter(pk=pk).update(expires_at=timezone.now() - timedelta(minutes=1))

    assert missing(nora, "Nora's dog", pk) == {pk: "expired"}


def test_what_filters_leave_out_says_so(nora):
    pk = ids_of(nora)[NORA[2]]

    filters = {"metadata": {"kind": "pet"}}
    assert missing(nora, "Nora's dog", pk, filters=filters) == {pk: "filtered"}


def test_a_denied_memory_is_explained_to_the_user_and_not_to_the_app(nora):
    app = App.objects.get(owner=nora.user)
    pk = ids_of(nora)[NORA[2]]
    AccessRule.objects.create(app=app, memory_id=pk, effect=Effect.DENY)
    bound = nora.with_key(app_name=app.name)

    assert missing(nora, "Nora's dog", pk, app=app.name) == {pk: "denied"}
    assert missing(bound, "Nora's dog", pk) == {pk: "unknown"}


def test_a_memory_of_another_is_as_unknown_as_one_that_does_not_exist(nora, bob):
    foreign = bob.remember("Bob's dog is called Rex.")["id"]
    nowhere = str(uuid.uuid4())

    explained = answer(nora, "dog", explain_missing=[foreign, nowhere])["missing"]

    assert [entry.pop("id") for entry in explained] == [foreign, nowhere]
    assert explained[0] == explained[1]
    assert explained[0]["reason"] == "unknown"


def test_what_neither_meaning_nor_words_bring_is_no_candidate(alice):
    vector = EmbeddingSpace.objects.current().embedder.embed_query("A holiday on a lake.")
    stock(alice.user, ["A holiday on a lake."] * 100, vectors=[vector] * 100)
    pk = alice.remember("The tax office wrote.", infer=False)["id"]

    assert missing(alice, "holiday lake", pk) == {pk: "no_candidate"}


@pytest.mark.parametrize("value", ["no-id", [1], [str(uuid.UUID(int=1))] * 101, {}])
def test_wrong_ids_are_refused(alice, value):
    body = {"query": "tea", "explain_missing": value}

    assert alice.post("/memories/search", body).status_code == 400
