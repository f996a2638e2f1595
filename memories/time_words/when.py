"""Which queries ask when something was, and the words of memories that say so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from memories.words import query_terms
from memories.words.characters import fold, normalize
from memories.words.languages import stem

ASKS_WHEN = re.compile(
    r"\b(?:when|how long|(?:what|which) (?:date|day|time|year|month|week)"
    r"|wann|wie lange|(?:welche[mnrs]?|welches) (?:datum|tag|jahr|monat|woche)"
    r"|cuando|cuanto tiempo|que (?:fecha|dia|hora|ano|mes|semana))\b"
    r"|什么时候|什麼時候|何时|何時|几点|哪天|哪年|哪一[天年]|多久|いつ|언제|เมื่อ"
)

# Without the months and years: a memory is indexed with those of its date.
WORDS: Mapping[str, str] = {
    "english": """
        yesterday today tonight tomorrow last next ago week weekend month year day hour morning
        evening afternoon night recently since monday tuesday wednesday thursday friday saturday
        sunday spring summer autumn winter
    """,
    "german": """
        gestern vorgestern heute morgen letzte letzten letztes nächste nächsten woche wochenende
        monat jahr tag stunde abend nacht seit kürzlich montag dienstag mittwoch donnerstag freitag
        samstag sonntag frühling sommer herbst winter
    """,
    "spanish": """
        ayer anoche hoy mañana pasado pasada próximo próxima semana mes año día hora tarde noche
        desde lunes martes miércoles jueves viernes sábado domingo primavera verano otoño invierno
    """,
}
WORDS_HAN = "昨天 前天 今天 明天 昨晚 今晚 上周 下周 去年 今年 明年 星期 周末 早上 晚上 上个 下个"


def asks_when(query: str) -> bool:
    return ASKS_WHEN.search(fold(normalize(query))) is not None


def _time_words() -> str:
    lexemes = {
        fold(stem(form, stemmer))
        for language, words in WORDS.items()
        for word in words.split()
        # Each word is stored as its stem in its own language, and as an English one.
        for form, stemmer in ((word, language), (fold(word), "english"))
    }
    lexemes |= {term.text for term in query_terms(WORDS_HAN) if len(term.text) > 1}
    return " | ".join(f"'{lexeme}'" for lexeme in sorted(lexemes))


# A `tsquery` for memories with any of these words.
TIME_WORDS = _time_words()
