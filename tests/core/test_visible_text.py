import pytest

from core.visible_text import is_visible

INVISIBLE = [
    "",
    " \t\n\u00a0\u2003\u3000",
    "\u200b",
    "\ufeff",
    "\u00ad",
    "\u2060\u2065",
    "\u200c\u200d",
    "\u202e\u2066\u2069",
    "\x1b\x07\x7f",
    "\u0301\u0308",
    "\u093f",
    "\u3164",
    "\u115f\u1160",
    "\uffa0",
    "\u2800",
    "\u180e",
    "\u034f",
    "\ufe0f",
    "\U000e0041\U000e0042\U000e007f",
    "\U000e0101",
    "\U0001d159",
]


@pytest.mark.parametrize("text", INVISIBLE, ids=ascii)
def test_a_text_of_such_characters_shows_nothing(text):
    assert not is_visible(text)


@pytest.mark.parametrize(
    "text",
    ["a", "\u200b.", "5", "\u6c34", "\u0915\u093f", "\u20ac", "\u2764\ufe0f",
     "\U0001f1e9\U0001f1ea",
     "\ue000", "\U0001fae9", "\u3131", "\u2801"],
    ids=ascii,
)  # fmt: skip
def test_one_character_that_can_be_seen_is_enough(text):
    assert is_visible(text)
