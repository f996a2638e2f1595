import numpy as np
import pytest

from configuration.errors import ProviderUnavailable
from configuration.providers import get_local_embedder, local
from configuration.providers.local import LocalEmbedder


@pytest.fixture(scope="module")
def embedder():
    return get_local_embedder()


def test_vectors_have_unit_length_and_the_dimensions_of_the_model(embedder):
    vectors = embedder.embed_documents(["I like tea.", "", "猫が好きです", "x" * 40_000])

    assert vectors.shape == (4, embedder.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert embedder.embed_query("I like tea.").shape == (embedder.dimensions,)


def test_no_texts_are_no_vectors(embedder):
    assert embedder.embed_documents([]).shape == (0, embedder.dimensions)


def test_more_texts_than_one_run_of_the_model_takes_keep_their_order(embedder):
    texts = [f"Number {number} is my favourite." for number in range(40)]

    together = embedder.embed_documents(texts)

    assert float(together[39] @ embedder.embed_query(texts[39])) > 0.97
    assert float(together[39] @ together[3]) < 0.97


def test_what_means_the_same_is_nearer_than_what_does_not(embedder):
    pet, dog, tax = embedder.embed_documents(
        ["My pet is scared.", "The dog fears thunder.", "Taxes are due in May."]
    )

    assert pet @ dog > pet @ tax + 0.1


@pytest.mark.parametrize(
    ("cosine", "similarity"), [(-1, 0), (0.45, 0), (0.65, 0.5), (0.85, 1), (1, 1)]
)
def test_cosines_are_put_on_a_scale_from_zero_to_one(embedder, cosine, similarity):
    assert embedder.calibrate(cosine) == pytest.approx(similarity)


def test_files_that_are_not_the_ones_they_should_be_are_not_run(monkeypatch):
    monkeypatch.setattr(local, "MODEL_SHA256", "0" * 64)

    with pytest.raises(ProviderUnavailable, match=r"checksum of .* is wrong"):
        LocalEmbedder().embed_query("I like tea.")


def test_a_model_that_is_not_here_is_named():
    with pytest.raises(ProviderUnavailable, match="local/another"):
        get_local_embedder("another")
