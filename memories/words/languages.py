"""Guess the language of a text from its function words, and stem words in it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import Stemmer

from core.stop_words import ENGLISH

# Function words, folded. A text is of the language that most of its words belong to.
FUNCTION_WORDS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "english": ENGLISH,
        "german": """
            der die das dem den des ein eine einen einem einer und oder aber ist sind war hat habe
            haben ich du er sie es wir ihr mein meine meinen meiner sein seine seinen seiner ihre
            ihren ihrer nicht kein keine mit von zu zum zur auf fur im am bei nach aus uber unter
            vor wie was wann wer wo warum welche welcher welches welchen auch noch nur wird werden
            kann mir mich dir dich uns sich wurde gern seit gibt macht
        """,
        "spanish": """
            el la los las un una unos unas y o pero es son era fue ha he han yo tu mi mis su sus
            no con de del al en por para que quien cuando donde como cual cuales se me te le lo
            les nos esta este estos muy mas tiene tengo hay desde sobre entre esta estan
        """,
        "french": """
            le la les un une des du de et ou mais est sont etait a ai ont je tu il elle nous vous
            ils elles mon ma mes ton sa ses son ne pas avec en pour sur dans par que qui quand
            comment quel quelle quels quelles ce cette ces au aux se plus j l d c n qu s
        """,
        "italian": """
            il lo la i gli le un uno una e o ma sono era ha ho hanno io lui lei noi mio mia miei
            suo sua suoi non con di del della dei delle al alla in nel nella per che chi quando dove
            come quale quali si mi ti ci piu da dal dalla questo questa
        """,
        "portuguese": """
            o a os as um uma uns umas e ou mas sao era foi tem tenho eu ele ela nos meu minha
            meus minhas seu sua seus nao com de do da dos das em no na nos nas por para que quem
            quando onde como qual quais se me mais muito este esta isso ao
        """,
        "dutch": """
            de het een en of maar is zijn was heeft heb hebben ik jij je hij zij ze wij we mijn
            haar niet geen met van te op voor in bij naar uit over onder wat wie wanneer waar
            waarom hoe welke ook nog maar wordt worden kan deze dit dat er
        """,
        "swedish": """
            och eller men ar var har hade jag du han hon vi de den det en ett min mitt mina sin
            sitt sina inte med av till pa for i om fran vad vem nar hur vilken vilket som ocksa
        """,
        "turkish": """
            ve veya ama bir bu su o ben sen biz siz onlar benim senin onun icin ile de da mi mu
            ne kim nerede nasil hangi var yok cok daha gibi degil
        """,
    }.items()
}
LATIN_LANGUAGES = tuple(FUNCTION_WORDS)

_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in FUNCTION_WORDS.items():
    for _word in _words:
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

# The language of words in other scripts, by a range of their letters.
BY_SCRIPT = (
    (re.compile("[\u0400-\u052f]"), "russian"),
    (re.compile("[\u0370-\u03ff\u1f00-\u1fff]"), "greek"),
    (re.compile("[\u0600-\u06ff]"), "arabic"),
    (re.compile("[\u0900-\u097f]"), "hindi"),
    (re.compile("[\u0b80-\u0bff]"), "tamil"),
    (re.compile("[\u0530-\u058f]"), "armenian"),
)

# A stemmer must not be used by two threads at once.
_of_thread = threading.local()


def guess_language(words: Iterable[str]) -> str | None:
    """Guess the Latin language of folded words; None where no function word tells."""
    counts = Counter(language for word in words for language in _LANGUAGES_OF.get(word, ()))
    # Of equal counts, the first in the order of FUNCTION_WORDS: English.
    return max(FUNCTION_WORDS, key=lambda name: counts[name]) if counts else None


def is_clearly(language: str, words: Iterable[str]) -> bool:
    """Whether more of these folded words are function words of this language than of any other.

    "Was" and "in" are of several languages, and a text of such words is clearly of none.
    """
    counts = Counter(language for word in words for language in _LANGUAGES_OF.get(word, ()))
    own = counts.pop(language, 0)
    return own > max(counts.values(), default=0)


def language_of_script(word: str) -> str | None:
    """The language to stem a word in that is not in Latin letters."""
    return next((language for letters, language in BY_SCRIPT if letters.search(word)), None)


def stem(word: str, language: str) -> str:
    """Stem a lower-case word."""
    return stemmer(language)(word)


def stemmer(language: str) -> Callable[[str], str]:
    """The stemmer of a language, for this thread."""
    stemmers: dict[str, Callable[[str], str]] = _of_thread.__dict__
    if language not in stemmers:
        # Without its cache: of each thread and language, that would hold ten thousand words.
        stemmers[language] = Stemmer.Stemmer(language, 0).stemWord
    return stemmers[language]
