"""Find the period that a query names, and whether it asks for nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from memories.words.characters import fold, kinds_of, normalize
from memories.words.languages import FUNCTION_WORDS

from .phrases import PHRASES

# A longer text is no question about a time.
MAX_QUERY = 500

# What is said of any memory: without another word, a query asks for what was at that time.
GENERIC = re.compile(
    r"talk\w*|discuss\w*|sa(?:y|id|ys)|t(?:ell|old)|sp[eo]ke?\w*|chat\w*|convers\w*|mention\w*|happen\w*"
    r"|d[io]ne?|did|going|went|anything|something|everything|things?|stuff|new|news|memor\w*|note\w*"
    r"|remember\w*|recall\w*|know\w*|learn\w*|sto\w*|saved?|wr[io]te\w*|wrote|time|events?|show|list|find"
    r"|give|get|got|up|any|latest|topics?|us|ever|please|since|seit|desde"
    r"|woruber|daruber|davon|gesproch\w*|sprech\w*|sprach\w*|red(?:en|eten?)|geredet|bespr\w*|gesagt|sagten?|erzahl\w*|passiert\w*"
    r"|gemacht|machten?|geschah|geschehen|los|neu\w*|thema|themen|erinner\w*|gemerkt|notiz\w*|haben|habe"
    r"|hatten?|wurde\w*|alles|etwas|zeig\w*"
    r"|habla\w*|dij\w*|decir|dicho|cont\w*|pas[ao]\w*|hic\w*|hecho|hacer|ocurri\w*|sucedi\w*|nuev\w*|tema\w*"
    r"|record\w*|apunt\w*|algo|todo|cosas?|charl\w*|hubo"
)
# What lasts from the period on until now.
SINCE = re.compile(
    r"(?<!\w)(?:since|seit|desde)(?: (?:the|el|la|dem|der))?\W*$|(?:since|seit|desde)$"
)
GENERIC_HAN = re.compile(
    "[我们你他她咱您大家都的了吗呢吧啊过在是有和跟什么麼么哪些事情东西做干聊谈說说讨论讲发生记得记录新说话題题到]"
)


class Period(NamedTuple):
    """From `start` to before `end`; `is_all`: the query asks for nothing else."""

    start: datetime
    end: datetime
    is_all: bool

    def includes(self, moment: datetime | None) -> bool:
        return moment is not None and self.start <= moment < self.end


def find_period(query: str, now: datetime) -> Period | None:
    """Find the period that a query names, in the time zone of `now`."""
    if len(query) > MAX_QUERY:
        return None
    text = fold(normalize(query))
    for pattern, meaning in PHRASES:
        for match in pattern.finditer(text):
            try:
                start, end = meaning(now, match)
            except (ValueError, OverflowError):  # a day that there is not
                continue
            if SINCE.search(text[: match.start()]) or SINCE.match(match[0].split(" ")[0]):
                end = max(end, now)
            rest = text[: match.start()] + " " + text[match.end() :]
            return Period(start, end, is_all=_is_generic(rest))
    return None


def _is_generic(rest: str) -> bool:
    """Whether nothing is left that a memory could be about."""
    rest = GENERIC_HAN.sub(" ", rest)
    return all(
        "h" not in kinds_of(word)
        and (
            any(word in function_words for function_words in FUNCTION_WORDS.values())
            or GENERIC.fullmatch(word)
        )
        for word in re.findall(r"[^\W\d_]+", rest)
    )
