import numpy as np
import pytest

from configuration.errors import (
    ProviderError,
    ProviderUnreachable,
    RequestRejected,
    UnusableAnswer,
    WrongDimensions,
)
from configuration.fake import Fault

from .conftest import fake_embedder


def test_vectors_come_in_order_and_have_unit_length(fake):
    embedder = fake_embedder(fake)
    texts = [f"Number {number} is red." for number in range(150)]

    vectors = embedder.embed_documents(texts)

    assert vectors.shape == (150, 384)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors[140], embedder.embed_query(texts[140]))
    assert [len(body["input"]) for body in fake.bodies] == [64, 64, 22, 1]


def test_no_texts_are_no_call(fake):
    assert fake_embedder(fake, dimensions=8).embed_documents([]).shape == (0, 8)
    assert not fake.calls


def test_long_texts_go_in_several_calls(fake):
    fake_embedder(fake).embed_documents(["x" * 90_000] * 5)

    assert [len(body["input"]) for body in fake.bodies] == [2, 2, 1]


def test_dimensions_are_asked_for_where_they_are_configured(fake):
    assert fake_embedder(fake).embed_query("tea").shape == (384,)
    assert fake_embedder(fake, dimensions=64).embed_query("tea").shape == (64,)

    assert [body.get("dimensions") for body in fake.bodies] == [None, 64]


def test_a_model_that_takes_no_dimensions_is_asked_without_them_from_then_on(fake):
    fake.has_fixed_dimensions = True
    embedder = fake_embedder(fake, dimensions=384)

    embedder.embed_query("tea")
    embedder.embed_query("milk")

    assert [body.get("dimensions") for body in fake.bodies] == [384, None, None]


def test_a_model_with_other_dimensions_than_configured_is_told_apart(fake):
    fake.has_fixed_dimensions = True

    with pytest.raises(WrongDimensions, match=r"vllm \(m\) answers with 384 .* 256 are") as raised:
        fake_embedder(fake, dimensions=256).embed_query("tea")

    assert not raised.value.retryable


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text:latest", "search_query: tea", "search_document: tea"),
        ("intfloat/multilingual-e5-large", "query: tea", "passage: tea"),
        ("text-embedding-3-small", "tea", "tea"),
    ],
)
def test_models_are_told_questions_from_what_they_are_to_find(fake, model, query, document):
    embedder = fake_embedder(fake, model=model)

    embedder.embed_query("tea")
    embedder.embed_documents(["tea"])

    assert [body["input"] for body in fake.bodies] == [[query], [document]]


def test_of_a_text_that_is_too_long_the_beginning_is_embedded(fake):
    fake.max_characters = 1000
    embedder = fake_embedder(fake)
    long = "a long story " * 300

    vectors = embedder.embed_documents(["tea", long, "milk"])

    assert np.array_equal(vectors[0], embedder.embed_query("tea"))
    assert np.array_equal(vectors[1], embedder.embed_query(long[: len(long) // 4]))
    assert np.array_equal(vectors[2], embedder.embed_query("milk"))


def test_a_call_that_is_refused_for_its_length_whatever_it_sends_is_given_up(fake):
    fake.fault = Fault.TOO_LONG

    with pytest.raises(RequestRejected, match="context_length_exceeded"):
        fake_embedder(fake).embed_documents(["a long story " * 300, "tea"])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.WRONG_SIZE, WrongDimensions),
        (Fault.KEY, ProviderError),
        (Fault.ERROR, ProviderUnreachable),
        (Fault.CUT, ProviderUnreachable),
        (Fault.NO_JSON, ProviderUnreachable),
        (Fault.MISFIT, UnusableAnswer),
    ],
)
def test_failures_are_told(fake, fault, error):
    fake.fault = fault

    with pytest.raises(error, match="vllm"):
        fake_embedder(fake, dimensions=384).embed_documents(["tea", "milk"])


def test_a_question_is_not_waited_for_longer_than_asked(fake):
    fake.fault = Fault.HANG

    with pytest.raises(ProviderUnreachable, match="did not respond in time"):
        fake_embedder(fake).embed_query("tea", timeout=0.3)


@pytest.mark.parametrize(
    ("model", "cosine", "similarity"),
    [("unheard-of", 0.3, 0.3), ("unheard-of", -0.2, 0), ("bge-small-en-v1.5", 0.65, 0.5)],
)
def test_what_is_known_of_a_model_calibrates_its_cosines(fake, model, cosine, similarity):
    assert fake_embedder(fake, model=model).calibrate(cosine) == pytest.approx(similarity)


TEXTS = [f"Number {number} is red." for number in range(12)]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.NO_INDEX,
        Fault.NO_FIRST_INDEX,
        Fault.SAME_INDEX,
        Fault.SHUFFLED,
        Fault.BASE64,
        Fault.VALUES,
        Fault.TEXT_NUMBERS,
        Fault.LONG_VECTORS,
        Fault.ONE_VECTOR,
        Fault.GZIP,
        Fault.NO_USAGE,
        Fault.TEN_TEXTS,
        Fault.BATCH_413,
        Fault.BATCH_TOKENS,
        Fault.MUTE_BATCH,
    ],
)
def test_vectors_are_read_however_they_are_written(fake, fault):
    right = fake_embedder(fake).embed_documents(TEXTS)
    fake.fault = fault

    vectors = fake_embedder(fake).embed_documents(TEXTS)

    assert np.allclose(vectors, right, atol=1e-6)


@pytest.mark.parametrize("fault", [Fault.TEN_TEXTS, Fault.BATCH_413, Fault.MUTE_BATCH])
def test_how_many_texts_a_server_takes_is_learnt(fake, fault):
    fake.fault = fault
    fake_embedder(fake).embed_documents(TEXTS)
    refused = len(fake.bodies)

    fake_embedder(fake).embed_documents(TEXTS)

    sizes = [len(body["input"]) for body in list(fake.bodies)[refused:]]
    assert sum(sizes) == len(TEXTS)  # none was refused


def test_the_number_of_texts_in_a_request_can_be_set(fake):
    fake_embedder(fake, batch_size=5).embed_documents(TEXTS)

    assert [len(body["input"]) for body in fake.bodies] == [5, 5, 2]


@pytest.mark.parametrize("fault", [Fault.NAN, Fault.ZERO])
def test_a_vector_without_a_direction_is_refused(fake, fault):
    fake.fault = fault

    with pytest.raises(UnusableAnswer, match="length 0 or infinity"):
        fake_embedder(fake).embed_documents(TEXTS)


@pytest.mark.parametrize("suffix", ["", "/api", "/api/embed", "/v1"])
@pytest.mark.parametrize("is_ollama", [True, False])
def test_ollama_embeds_in_its_own_api_where_it_serves(fake, suffix, is_ollama):
    fake.is_ollama = is_ollama
    address = fake.base_url.removesuffix("/v1") + suffix
    settings = {"provider": "ollama", "ollama_base_url": address, "openai_base_url": None}

    vectors = fake_embedder(fake, **settings).embed_documents(TEXTS)

    assert vectors.shape == (12, 384)
    assert fake.headers[-1]["path"] == ("/api/embed" if is_ollama else "/v1/embeddings")


def test_a_context_that_is_exceeded_with_status_500_shortens_the_text(fake):
    fake.control({"fault": Fault.CONTEXT_500, "times": 2})

    assert fake_embedder(fake).embed_documents(["a long story " * 300]).shape == (1, 384)
    assert [len(body["input"][0]) for body in fake.bodies] == [3900, 1950, 975]
