"""The vectors of tokens: stored with the embedding, filled, deleted with it, and searched."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from configuration.providers.token_vectors import unpack_tokens
from jobs.models import Job
from memories.doctor import check_vectors
from memories.models import Embedding, EmbeddingSpace, Memory, TokenVectors
from memories.vectors import migration
from memories.vectors.embed import embed_texts
from tests.memories.spaces import change_to, fake, reembed, remote
from tests.memories.stock import stock

pytestmark = pytest.mark.slow

__all__ = ["fake"]

QUESTION = "Which animal is afraid of thunder?"


@pytest.fixture
def memories(alice):
    texts = ["The dog hides when it storms.", "The bridge is closed.", "I drink green tea."]
    return [alice.remember(text, infer=False) for text in texts]


def tokens_of(memory: dict) -> TokenVectors | None:
    return TokenVectors.objects.filter(embedding__memory=memory["id"]).first()


def assert_alike(tokens: TokenVectors, others: TokenVectors) -> None:
    """The model's states depend a little on what else is in the batch."""
    pair = [unpack_tokens(bytes(each.vectors)) for each in (tokens, others)]
    assert (pair[0] * pair[1]).sum(axis=1) == pytest.approx(1, abs=0.05)


def search(member, query: str, **body) -> list[dict]:
    body = {"query": query, "explain": True, "min_score": 0, **body}
    answer = member.post("/memories/search", body)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_they_are_stored_with_a_memory(alice, memories):
    assert [len(tokens_of(memory).vectors) // 96 for memory in memories] == [3, 2, 3]


def test_each_of_many_memories_gets_its_own(alice, memories):
    items = [{"text": memory["text"], "app": "other"} for memory in memories[::-1]]
    answer = alice.post("/memories/bulk", {"memories": items})

    assert answer.status_code == 200, answer.content
    for memory in Memory.objects.filter(app__name="other"):
        [original] = [each for each in memories if each["text"] == memory.content]
        assert_alike(tokens_of({"id": memory.pk}), tokens_of(original))


def test_an_edit_replaces_them(alice, memories):
    answer = alice.patch(f"/memories/{memories[0]['id']}", {"text": memories[1]["text"]})

    assert answer.status_code == 200, answer.content
    assert_alike(tokens_of(memories[0]), tokens_of(memories[1]))
    assert TokenVectors.objects.count() == 3


def test_they_go_with_the_embedding_whoever_deletes_it(alice, memories):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM memories_embedding WHERE memory_id = %s", [memories[0]["id"]])
    assert tokens_of(memories[0]) is None

    Embedding.objects.filter(memory=memories[1]["id"]).delete()
    assert tokens_of(memories[1]) is None

    connection.check_constraints()
    Memory.objects.filter(pk=memories[2]["id"]).delete()
    assert not TokenVectors.objects.exists()


def test_the_job_that_fills_a_space_makes_those_that_are_missing(alice, olga, memories):
    vectors = list(Embedding.objects.order_by("pk").values_list("pk", flat=True))
    expected = tokens_of(memories[1])
    TokenVectors.objects.filter(embedding__memory=memories[1]["id"]).delete()
    TokenVectors.objects.filter(embedding__memory=memories[0]["id"]).update(version=0)

    assert migration.complete(by=olga.user)
    job = reembed()

    assert (job.state, job.result["embedded"]) == ("succeeded", 2)
    assert_alike(tokens_of(memories[1]), expected)
    assert set(TokenVectors.objects.values_list("version", flat=True)) == {1}
    assert list(Embedding.objects.order_by("pk").values_list("pk", flat=True)) == vectors
    assert migration.complete(by=olga.user) is None


def test_memories_that_say_nothing_are_not_filled_again_and_again(alice, olga):
    memory = alice.remember("?!", infer=False)

    assert bytes(tokens_of(memory).vectors) == b""
    assert not EmbeddingSpace.objects.current().incomplete().exists()


def test_the_doctor_counts_what_is_missing(alice, olga, memories):
    def messages() -> str:
        return " ".join(finding.message for finding in check_vectors())

    assert "tokens" not in messages()

    TokenVectors.objects.all().delete()
    assert "3 memories have no vectors of their tokens" in messages()

    migration.complete(by=olga.user)
    assert "a job adds them" in messages()


def test_they_rank_and_are_explained(alice, memories, settings):
    first, *others = search(alice, QUESTION)

    assert first["text"] == memories[0]["text"]
    explanation = first["explanation"]
    assert explanation["tokens_part"] == 1
    assert min(each["explanation"]["tokens_part"] for each in others) == 0
    weights = explanation["weights"]
    assert (weights["tokens"], weights["words"]) == (0.5, 0.175)
    assert weights["similarity"] == pytest.approx(0.096)
    added = sum(weight * explanation[f"{name}_part"] for name, weight in weights.items())
    assert explanation["rank_score"] == pytest.approx(added)

    settings.RECALL_TOKENS = 0
    explanation = search(alice, QUESTION)[0]["explanation"]
    assert explanation["tokens_part"] == 0
    assert explanation["weights"]["similarity"] == 0.48


@pytest.mark.parametrize(
    "query",
    [
        "¿Qué animal tiene miedo de los truenos?",
        "Welches Tier hat Angst vor dem Donner?",
        "Was isst Jonas in Berlin?",
        "哪个动物怕打雷?",
        "dog thunder",
        "of the and",
        "?!",
    ],
)
def test_they_are_not_asked_in_other_languages_nor_without_words(alice, memories, query):
    for result in search(alice, query):
        assert result["explanation"]["tokens_part"] == 0
        assert result["explanation"]["weights"]["similarity"] == 0.48


def test_without_those_of_any_memory_it_ranks_as_before(alice, memories, settings):
    with_tokens = search(alice, QUESTION)
    TokenVectors.objects.all().delete()

    without = search(alice, QUESTION)

    assert without[0]["explanation"]["weights"]["similarity"] == 0.48
    assert {result["id"] for result in without} == {result["id"] for result in with_tokens}


def test_a_memory_without_them_counts_by_its_own_score(alice, memories):
    TokenVectors.objects.filter(embedding__memory=memories[0]["id"]).delete()

    [result] = [each for each in search(alice, QUESTION) if each["id"] == memories[0]["id"]]

    explanation = result["explanation"]
    own = (0.48 * explanation["similarity_part"] + 0.35 * explanation["words_part"]) / 0.83
    assert explanation["tokens_part"] == pytest.approx(own)


def test_they_cost_a_search_no_statement(alice, settings):
    stock(alice.user, [f"Tea number {number}." for number in range(200)])
    for number in range(30):
        alice.remember(f"Coffee number {number}.", infer=False)

    def statements() -> int:
        with CaptureQueriesContext(connection) as context:
            search(alice, "Which coffee do I drink?")
        return len([query for query in context if not query["sql"].startswith("UPDATE")])

    with_tokens = statements()
    settings.RECALL_TOKENS = 0
    assert with_tokens == statements()


def test_another_model_has_none(alice, olga, fake, memories):
    change_to(olga, remote(fake))

    assert TokenVectors.objects.count() == 3  # those of the space that is kept
    memory = alice.remember("A new one.", infer=False)
    space = EmbeddingSpace.objects.current()
    assert not space.incomplete().exclude(pk=memory["id"]).exists()
    assert search(alice, QUESTION)[0]["explanation"]["tokens_part"] == 0
    assert not Job.objects.unfinished().filter(kind="reembed").exists()


def test_what_a_memory_says_is_not_embedded_again(memories):
    memory = Memory.objects.get(pk=memories[2]["id"])
    texts = ["I live in York.", memory.content, "My dog is called Rex."]
    [(space, vectors)] = embed_texts(texts).vectors.items()
    tokens = embed_texts(texts).tokens

    known = embed_texts(texts, stored=memory)
    Embedding.objects.filter(memory=memory).update(vector=vectors[0])
    of_another_text = embed_texts(texts, stored=memory)

    assert known.vectors[space] == pytest.approx(vectors, abs=0.001)
    assert known.tokens == tokens
    assert of_another_text.vectors[space] == pytest.approx(vectors[[0, 0, 2]], abs=0.001)


def test_what_lacks_its_tokens_is_embedded_again(memories):
    memory = Memory.objects.get(pk=memories[2]["id"])
    TokenVectors.objects.all().delete()

    assert embed_texts([memory.content], stored=memory).tokens
