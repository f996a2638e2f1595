"""Filters on metadata: what they keep."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps_registry.models import App
from memories.metadata_filter import MetadataFilter
from memories.models import Memory
from memories.models.fingerprint import fingerprint
from tests.memories.filter_evaluator import matches

NAMES = ["a", "b", "a.b", "0", "and", "", "é"]
KEYS = ["a", "b", "a.b", "b.a", "a.a.b", r"a\.b", r"b.a\.b", "a.0", "0", r"\and", "é"]

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, -0.0, 1e23, 10**23, 2**53 + 1, 0.1]),
    st.sampled_from(
        ["", "a", "B", "ab", "aB", "é", "Z", "\U0001f980", "\uffee", "1", "2026-01-31"]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=6,
)
metadata = st.dictionaries(st.sampled_from(NAMES), values, max_size=4)
ordered = scalars.filter(lambda value: value is not None and not isinstance(value, bool))
operators = st.fixed_dictionaries(
    {},
    optional={
        "eq": values,
        "ne": values,
        "in": st.lists(values, max_size=3),
        "nin": st.lists(values, max_size=3),
        "gt": ordered,
        "gte": ordered,
        "lt": ordered,
        "lte": ordered,
        "contains": values,
        "exists": st.booleans(),
    },
).filter(bool)
bare = st.one_of(scalars, st.lists(values, max_size=2))
one_operator = operators.map(lambda each: dict([next(iter(each.items()))]))
comparisons = st.dictionaries(
    st.sampled_from(KEYS), st.one_of(bare, one_operator, operators), min_size=1, max_size=2
)
filters = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"and": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"or": parts}),
        inner.map(lambda part: {"not": part}),
        st.tuples(comparisons, inner).map(lambda pair: {**pair[0], "not": pair[1]}),
    ),
    max_leaves=4,
)


@pytest.fixture
def app(alice):
    return App.objects.create(owner=alice.user, name="stock")


def store(app, objects):
    Memory.objects.all().delete()
    Memory.objects.bulk_create(
        Memory(
            user=app.owner, app=app, content=str(n), metadata=each, fingerprint=fingerprint(str(n))
        )
        for n, each in enumerate(objects)
    )


def kept(source):
    memories = Memory.objects.filter(MetadataFilter.parse(source).condition())
    return {int(content) for content in memories.values_list("content", flat=True)}


@pytest.mark.slow
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(objects=st.lists(metadata, min_size=1, max_size=12), source=filters)
def test_postgresql_agrees_with_python(app, objects, source):
    with transaction.atomic():
        store(app, objects)

    assert kept(source) == {n for n, each in enumerate(objects) if matches(source, each)}
    assert kept({"not": source}) == {
        n for n, each in enumerate(objects) if not matches(source, each)
    }


METADATA = [
    {"rank": 4, "tags": ["work", "urgent"], "title": "Invoice of May", "due": "2026-05-31"},
    {"rank": 10, "tags": ["home"], "title": "Rent", "due": "2026-06-01", "owner": {"name": "Ann"}},
    {"rank": "4", "tags": "work", "done": True, "owner": {"name": None, "team": {"size": 3}}},
    {"rank": True, "owner": "Ann", "owner.name": "flat", "items": [{"sku": 1, "n": 2}, {"sku": 7}]},
    {"rank": None, "and": "so on", "due": "2026-05"},
    {},
]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({}, {0, 1, 2, 3, 4, 5}),
        ({"rank": 4}, {0}),
        ({"rank": 4.0}, {0}),
        ({"rank": "4"}, {2}),
        ({"rank": True}, {3}),
        ({"rank": 1}, set()),
        ({"rank": None}, {4}),
        ({"rank": {"eq": 4}}, {0}),
        ({"rank": {"ne": 4}}, {1, 2, 3, 4, 5}),
        ({"rank": {"ne": None}}, {0, 1, 2, 3, 5}),
        ({"rank": {"in": [4, "4", None]}}, {0, 2, 4}),
        ({"rank": {"in": []}}, set()),
        ({"rank": {"nin": [4, "4", None]}}, {1, 3, 5}),
        ({"rank": {"nin": []}}, {0, 1, 2, 3, 4, 5}),
        ({"rank": {"gte": 4}}, {0, 1}),
        ({"rank": {"gt": 4}}, {1}),
        ({"rank": {"lt": 10}}, {0}),
        ({"rank": {"gt": 3, "lte": 9.5}}, {0}),
        ({"rank": {"gte": "4"}}, {2}),
        ({"rank": {"exists": True}}, {0, 1, 2, 3, 4}),
        ({"rank": {"exists": False}}, {5}),
        ({"due": {"gte": "2026-05-31"}}, {0, 1}),
        ({"due": {"lt": "2026-06"}}, {0, 4}),
        *[({"tags": {operator: "a"}}, {2}) for operator in ("gt", "gte")],
        *[({"tags": {operator: "z"}}, {2}) for operator in ("lt", "lte")],
        ({"title": {"contains": "May"}}, {0}),
        ({"title": {"contains": "may"}}, set()),
        ({"title": {"contains": "%"}}, set()),
        ({"tags": {"contains": "work"}}, {0, 2}),
        ({"tags": {"contains": "wor"}}, {2}),
        ({"tags": {"contains": ["urgent", "work"]}}, {0}),
        ({"tags": ["work"]}, {0}),
        ({"tags": {"eq": ["work"]}}, set()),
        ({"tags": {"eq": ["work", "urgent"]}}, {0}),
        ({"tags": {"in": [["home"], "work"]}}, {1, 2}),
        ({"tags": "work"}, {2}),
        ({"owner.name": "Ann"}, {1}),
        ({"owner.name": {"exists": True}}, {1, 2}),
        ({"owner.team.size": {"gte": 3}}, {2}),
        ({r"owner\.name": "flat"}, {3}),
        ({"owner": {"eq": {"name": "Ann"}}}, {1}),
        ({"owner": {"contains": {"team": {}}}}, {2}),
        ({"items": {"contains": {"sku": 1}}}, {3}),
        ({"items": {"contains": {"sku": 2}}}, set()),
        ({"items.0.sku": 1}, set()),
        ({r"\and": "so on"}, {4}),
        ({"rank": 4, "due": "2026-06-01"}, set()),
        ({"or": [{"rank": 4}, {"rank": 10}]}, {0, 1}),
        ({"and": [{"rank": {"gt": 3}}, {"rank": {"lt": 5}}]}, {0}),
        ({"not": {"rank": {"gte": 4}}}, {2, 3, 4, 5}),
        ({"not": {"rank": 4, "due": "2026-06-01"}}, {0, 1, 2, 3, 4, 5}),
        ({"not": {"or": [{"rank": 4}, {"done": True}]}, "due": {"exists": True}}, {1, 4}),
        ({"not": {"not": {"rank": {"gte": 4}}}}, {0, 1}),
    ],
    ids=str,
)
def test_a_filter_keeps_what_it_says(app, source, expected):
    store(app, METADATA)

    assert kept(source) == expected
    assert kept({"not": {"and": [source]}} if source else {"a": {"exists": True}}) == (
        {0, 1, 2, 3, 4, 5} - expected
    )


def test_the_number_of_statements_does_not_grow(alice, app, django_assert_num_queries):
    store(app, METADATA)
    source = {"or": [{"rank": {"in": list(range(50))}}, {"not": {"a.b.c": {"contains": "x"}}}]}

    with django_assert_num_queries(1):
        assert kept(source)
