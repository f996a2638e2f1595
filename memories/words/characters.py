"""Kinds of characters, and their forms without case, accents and width."""

from __future__ import annotations

import re
import unicodedata

UPPER, LETTER, DIGIT, MARK = "u", "l", "d", "m"
HAN, KANA, HANGUL, SOUTH_EAST_ASIAN = "h", "k", "g", "t"
EMOJI, JOINER, OTHER = "e", "j", " "

# Punctuation that can stand inside a code, a path, an address, a version or a number.
JOINERS = frozenset("-_./:@#&'\u2019\\+~=%,\u2010\u2011")

# Scripts without spaces between words, by the first and last character of their blocks.
SOUTH_EAST_ASIAN_BLOCKS = (("\u0e00", "\u0fff"), ("\u1000", "\u109f"), ("\u1780", "\u17ff"))

# Format characters, such as zero-width joiners and soft hyphens, and what selects or colours emoji.
IGNORED = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff"
    "\U0001f3fb-\U0001f3ff]"
)
# Accents of Latin, Greek and Cyrillic letters, and the vowel signs of Hebrew and Arabic. The marks
# of other scripts are letters in all but name.
ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]")
UNACCENTED = str.maketrans(
    {
        "ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th",
        "ħ": "h", "ŋ": "n", "\u0649": "\u064a", "\u0640": "",
    }
)  # fmt: skip
# How these letters are spelled where the keyboard lacks them.
SPELLED_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


class _Kinds(dict[int, str]):
    """The kind of each character, for `str.translate`: looked up once, then remembered."""

    def __missing__(self, code: int) -> str:
        self[code] = kind = _kind(chr(code))
        return kind


_kinds = _Kinds()


def normalize(text: str) -> str:
    """One form of what looks alike: composed, of normal width, without invisible characters."""
    return text if text.isascii() else IGNORED.sub("", unicodedata.normalize("NFKC", text))


def kinds_of(text: str) -> str:
    """A string with the kind of each character of a text, to be matched in its place."""
    return text.translate(_kinds)


def fold(word: str) -> str:
    """A word without case and accents: `café` and `CAFE` are `cafe`, and `Straße` is `strasse`."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFD", word.casefold())
    return unicodedata.normalize("NFC", ACCENTS.sub("", decomposed)).translate(UNACCENTED)


def spell_out(word: str) -> str | None:
    """`mueller` for `Müller`; None for a word without such letters."""
    if word.isascii():
        return None
    lowered = word.casefold()
    spelled = lowered.translate(SPELLED_OUT)
    return None if spelled == lowered else fold(spelled)


def ascii_digits(number: str) -> str:
    if number.isascii():
        return number
    return "".join(str(unicodedata.decimal(digit, digit)) for digit in number)


def _kind(char: str) -> str:
    if char in JOINERS:
        return JOINER
    category = unicodedata.category(char)
    if category in ("Lu", "Lt"):
        return UPPER
    if category[0] == "L":
        return _kind_of_letter(char)
    if category[0] == "N":
        return HAN if char == "\u3007" else DIGIT
    if category[0] == "M":
        return MARK
    return EMOJI if category == "So" and char >= "\u2190" else OTHER


def _kind_of_letter(char: str) -> str:
    if char < "\u0e00":
        return LETTER
    if any(first <= char <= last for first, last in SOUTH_EAST_ASIAN_BLOCKS):
        return SOUTH_EAST_ASIAN
    name = unicodedata.name(char, "")
    if name.startswith("CJK") or char in "々〆":
        return HAN
    if "HIRAGANA" in name or "KATAKANA" in name:  # the prolonged sound mark is of both
        return KANA
    return HANGUL if name.startswith("HANGUL") else LETTER
