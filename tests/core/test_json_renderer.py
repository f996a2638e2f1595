import uuid
from collections import OrderedDict
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from django.utils.safestring import SafeString
from rest_framework.renderers import JSONRenderer

from core.api.json_renderer import QuickJSONRenderer


class Colour(StrEnum):
    RED = "red"


@pytest.mark.parametrize(
    "value",
    [
        {
            "text": 'Grüße "日本" \\ / \x00\x1f\x7f\u2028\u2029\U0001f375',
            "none": None,
            "yes": True,
        },
        [0, -1, 2**63, 2**70, 0.1, -0.0, 1.0, 123456789.125],
        OrderedDict(b=(1, 2), a=[]),
        {1: "a number", Colour.RED: Colour.RED},
        [SafeString("<b>"), {None: 1}],  # what only REST framework's encoder takes
        [uuid.UUID(int=7), datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)],
        "text",
    ],
)
def test_it_renders_what_rest_framework_renders(value):
    assert QuickJSONRenderer().render(value) == JSONRenderer().render(value)


def test_nothing_is_no_body():
    assert QuickJSONRenderer().render(None) == b""


def test_a_client_can_ask_for_an_indent():
    rendered = QuickJSONRenderer().render({"a": 1}, "application/json; indent=2", {})

    assert rendered == b'{\n  "a": 1\n}'
