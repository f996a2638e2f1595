from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ImproperlyConfigured

from configuration.providers import get_local_embedder
from core import env
from memories.categories.classifier import Classifier, classify, compute_origin, read_examples
from memories.taxonomy import BUILT_IN_CATEGORIES


@pytest.fixture(scope="module")
def embedder():
    return get_local_embedder()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("My dog has eaten a shoe.", "pets"),
        ("She flies to Oslo on Monday.", "travel"),
        ("He pays his rent by standing order.", "finance"),
    ],
)
def test_the_likeliest_category_comes_first(embedder, text, name):
    assert classify(embedder.embed_query(text), embedder)[0] == name


def test_a_text_about_nothing_has_no_category(embedder):
    assert classify(embedder.embed_query("Number 12 is number 13."), embedder) == []


def test_no_more_than_two_categories_are_named(embedder):
    vectors = embedder.embed_documents([text for _, text in read_examples()[::20]])

    assert {len(classify(vector, embedder)) for vector in vectors} <= {0, 1, 2}


def test_every_built_in_category_has_examples():
    names = {category.name for category in BUILT_IN_CATEGORIES}
    assert {name for name, _ in read_examples()} == names


def test_what_is_saved_was_fitted_to_the_present_examples(embedder):
    saved = Classifier.load(embedder.model)

    assert saved.origin == compute_origin(), "run benchmarks/categories.py --fit"
    assert saved.weights.shape == (len(BUILT_IN_CATEGORIES), embedder.dimensions + 1)


def test_most_examples_are_told_apart(embedder):
    sample = read_examples()[::20]
    vectors = embedder.embed_documents([text for _, text in sample])

    classified = [classify(vector, embedder) for vector in vectors]

    right = [name in names for (name, _), names in zip(sample, classified, strict=True)]
    assert np.mean(right) > 0.9


def test_no_example_is_a_memory_that_the_benchmark_reports():
    labelled = (Path(__file__).parents[2] / "benchmarks" / "categories.txt").read_text()

    assert not [text for _, text in read_examples() if text in labelled]


def test_of_the_categories_those_are_named_that_the_operator_allows(embedder, settings):
    vector = embedder.embed_query("My dog has eaten a shoe.")

    settings.CATEGORIES = ["pets", "sailing"]
    assert classify(vector, embedder) == ["pets"]

    settings.CATEGORIES = ["sailing"]
    assert classify(vector, embedder) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        (" , ", []),
        ("pets", ["pets"]),
        (" Pets , my boat,,pets, 船", ["pets", "my boat", "船"]),
    ],
)
def test_names_are_read_once_each_and_in_lower_case(monkeypatch, text, names):
    monkeypatch.setenv("NAMES", text)

    assert env.names("NAMES", max_names=3, max_length=7) == names


@pytest.mark.parametrize("text", ["a,b,c,d", "pets,anything", "pets,a\nb"])
def test_what_are_no_names_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("NAMES", text)

    with pytest.raises(ImproperlyConfigured, match="NAMES"):
        env.names("NAMES", max_names=3, max_length=7)
