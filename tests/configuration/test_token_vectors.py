"""The vectors of tokens that the built-in model gives."""

import numpy as np
import pytest

from configuration.providers import embed_documents, embed_query, get_local_embedder
from configuration.providers.token_vectors import (
    MAX_DOCUMENT_TOKENS,
    MAX_QUERY_TOKENS,
    TOKEN_DIMENSIONS,
    unpack_tokens,
)


@pytest.fixture(scope="module")
def embedder():
    return get_local_embedder()


def tokens_of(embedder, text: str) -> np.ndarray:
    [packed] = embed_documents(embedder, [text]).tokens
    return unpack_tokens(packed)


def test_they_are_unit_vectors_of_the_tokens_that_say_something(embedder):
    vectors = tokens_of(embedder, "The dog is afraid of the thunder!")

    assert vectors.shape == (3, TOKEN_DIMENSIONS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=0.02)


def test_the_vectors_of_texts_are_the_same_with_and_without_them(embedder):
    texts = ["I drink tea.", "", "The bridge is closed. " * 200, "猫が好きです"]

    documents = embed_documents(embedder, texts)

    assert np.array_equal(documents.vectors, embedder.embed_documents(texts))
    assert len(documents.tokens) == 4
    assert embed_documents(embedder, []).tokens == []
    query = embed_query(embedder, "I drink tea.")
    assert np.array_equal(query.vector, embedder.embed_query("I drink tea."))


def test_texts_without_a_word_have_none(embedder):
    assert [len(tokens_of(embedder, text)) for text in ("", "of the", "?!", "\0")] == [0, 0, 0, 0]


def test_long_texts_have_no_more_than_fit_in_a_page(embedder):
    text = "tea coffee milk " * 500

    assert len(tokens_of(embedder, text)) == MAX_DOCUMENT_TOKENS
    assert len(embed_query(embedder, text).tokens.words) == MAX_QUERY_TOKENS


def test_each_token_of_a_query_knows_its_word(embedder):
    tokens = embed_query(embedder, "Does Przybylski's greyhound bark?").tokens

    assert set(tokens.words) == {"Przybylski", "greyhound", "bark"}
    assert tokens.vectors.shape == (len(tokens.words), TOKEN_DIMENSIONS)


def test_a_token_is_nearest_to_what_means_the_same(embedder):
    [dog] = embed_query(embedder, "dog").tokens.vectors
    animal, building = (tokens_of(embedder, text) for text in ("puppy", "cathedral"))

    assert (animal @ dog).max() > (building @ dog).max()


def test_they_are_packed_alike_beside_other_texts(embedder):
    texts = [f"Tea number {number} is green." for number in range(40)]

    together = embed_documents(embedder, texts).tokens

    for packed, text in zip(together, texts, strict=True):
        alone = tokens_of(embedder, text)
        assert (unpack_tokens(packed) * alone).sum(axis=1).min() > 0.95
