"""The phrases that name a time, each with what it means at a moment.

They match folded text. Of two phrases that match, the first of this list counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime

from . import calendar_periods as periods
from .calendar_periods import Period
from .vocabulary import (
    HAN_NUMBERS,
    HAN_UNITS,
    HAN_WEEKDAYS,
    MONTHS,
    NUMBERS,
    SEASONS,
    UNITS,
    WEEKDAYS,
)

Match = re.Match[str]
Meaning = Callable[[datetime, Match], Period]


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


MONTH, WEEKDAY, SEASON = _any(MONTHS), _any(WEEKDAYS), _any(SEASONS)
UNIT, NUMBER = _any(UNITS), rf"\d{{1,3}}|{_any(NUMBERS)}"
YEAR = r"(?:19|20)\d\d"
HAN_UNIT, HAN_NUMBER = _any(HAN_UNITS), rf"\d{{1,3}}|{_any(HAN_NUMBERS)}"

_LAST = r"last|past|previous"
_LETZT = r"(?:letzt|vergangen|vorig)(?:e[nrsm]?)"
_DIES = r"dies(?:e[nrsm]?)?"
_NACHST = r"(?:nachst|naechst|kommend)(?:e[nrsm]?)"
_PASADO = r"pasad[oa]s?"


def _number(match: Match, group: str = "number") -> int:
    word = match[group]
    return int(word) if word.isdecimal() else (NUMBERS.get(word) or HAN_NUMBERS[word])


def _unit(match: Match) -> str:
    word = match["unit"]
    return UNITS.get(word) or HAN_UNITS[word]


def _day(days: int) -> Meaning:
    return lambda now, match: periods.day_of(now, days)


def _this(number: int) -> Meaning:
    def meaning(now: datetime, match: Match) -> Period:
        unit = _unit(match)
        if unit == "hour":
            return periods.past(now, 1, unit)
        return periods.this(now, unit, number)

    return meaning


def _last_month(now: datetime, match: Match) -> Period:
    """The month before, and what was thirty days ago."""
    return periods.month_of(now, -1).joined(periods.day_of(now, -30))


def _shifted(unit: str, number: int) -> Meaning:
    return lambda now, match: periods.this(now, unit, number)


def _ago(now: datetime, match: Match) -> Period:
    return periods.ago(now, _number(match), _unit(match))


def _past(now: datetime, match: Match) -> Period:
    return periods.past(now, _number(match), _unit(match))


def _weekday(now: datetime, match: Match) -> Period:
    is_past = bool(match.groupdict().get("last"))
    return periods.weekday(now, WEEKDAYS[match["weekday"]], is_past=is_past)


def _month(now: datetime, match: Match) -> Period:
    number = MONTHS[match["month"]]
    if match.groupdict().get("year"):
        return periods.month(now, int(match["year"]), number)
    return periods.last_month_of_number(now, number)


def _date(now: datetime, match: Match) -> Period:
    word = match["month"]
    number = int(word) if word.isdecimal() else MONTHS[word]
    if match.groupdict().get("year"):
        return periods.date(now, int(match["year"]), number, int(match["day"]))
    return periods.last_date(now, number, int(match["day"]))


def _season(now: datetime, match: Match) -> Period:
    year = int(match["year"]) if match["year"] else None
    return periods.season(now, SEASONS[match["season"]], year)


def _year(now: datetime, match: Match) -> Period:
    return periods.year(now, int(match["year"]))


def _han_month(now: datetime, match: Match) -> Period:
    number = _number(match)
    if match["year"]:
        year = {"去年": -1, "前年": -2, "今年": 0}.get(match["year"])
        exact = now.year + year if year is not None else int(match["year"][:4])
        if match["day"]:
            return periods.date(now, exact, number, _number(match, "day"))
        return periods.month(now, exact, number)
    if match["day"]:
        return periods.last_date(now, number, _number(match, "day"))
    return periods.last_month_of_number(now, number)


def _han_weekday(now: datetime, match: Match) -> Period:
    week = periods.week_of(now, -1 if match["last"] else 0)
    return periods.day_of(week.start, HAN_WEEKDAYS[match["weekday"]])


def _word(pattern: str, meaning: Meaning) -> tuple[re.Pattern[str], Meaning]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), meaning


def _han(pattern: str, meaning: Meaning) -> tuple[re.Pattern[str], Meaning]:
    return re.compile(pattern), meaning


PHRASES: list[tuple[re.Pattern[str], Meaning]] = [
    # dates
    _word(rf"(?P<year>{YEAR})-(?P<month>\d\d?)-(?P<day>\d\d?)", _date),
    _word(rf"(?P<day>\d\d?)[./](?P<month>\d\d?)[./](?P<year>{YEAR})", _date),
    _word(
        rf"(?P<month>{MONTH}) (?P<day>\d\d?)(?:st|nd|rd|th)?(?:,? (?P<year>{YEAR}))?", _date
    ),
    _word(
        rf"(?P<day>\d\d?)(?:st|nd|rd|th|\.)? (?:of |de )?(?P<month>{MONTH})"
        rf"(?:,? (?:de |del )?(?P<year>{YEAR}))?",
        _date,
    ),
    _word(rf"(?P<month>{MONTH}),? (?:of |de |del )?(?P<year>{YEAR})", _month),
    # English
    _word(r"(?:the )?day before yesterday", _day(-2)),
    _word(r"yesterday|last night", _day(-1)),
    _word(r"today|tonight|this (?:morning|afternoon|evening)|earlier today", _day(0)),
    _word(r"tomorrow", _day(1)),
    _word(rf"(?:a )?(?P<number>{NUMBER}) (?:of )?(?P<unit>{UNIT}) ago", _ago),
    _word(rf"(?:(?:in|over|during|within) )?(?:the )?(?:{_LAST}) (?P<number>{NUMBER})"
          rf" (?:of )?(?P<unit>{UNIT})", _past),
    _word(rf"(?:the )?(?:{_LAST}) month|{_LETZT} monat|(?:el )?mes {_PASADO}", _last_month),
    _word(rf"(?:the )?(?:{_LAST}) (?P<unit>week|weekend|month|year|day|hour)", _this(-1)),
    _word(r"this (?P<unit>week|weekend|month|year)", _this(0)),
    _word(r"next (?P<unit>week|weekend|month|year)", _this(1)),
    _word(rf"(?P<last>{_LAST}) (?P<weekday>{WEEKDAY})", _weekday),
    _word(rf"(?:on|this) (?P<weekday>{WEEKDAY})", _weekday),
    _word(rf"(?:in|last|this|during|since|back in) (?P<month>{MONTH})", _month),
    _word(rf"(?:in|last|this|during) (?:the )?(?P<season>{SEASON})(?: (?:of )?(?P<year>{YEAR}))?",
          _season),
    _word(rf"(?P<season>{SEASON}) (?:of |de |del )?(?P<year>{YEAR})", _season),
    # German
    _word(r"vorgestern", _day(-2)),
    _word(r"gestern(?: (?:abend|morgen|nacht|mittag))?|letzte nacht", _day(-1)),
    _word(r"heute(?: (?:abend|morgen|fruh|frueh|mittag))?", _day(0)),
    _word(r"ubermorgen|uebermorgen", _day(2)),
    _word(rf"vor (?P<number>{NUMBER}) (?P<unit>{UNIT})", _ago),
    _word(rf"(?:in )?(?:den|der|die|das) {_LETZT} (?P<number>{NUMBER}) (?P<unit>{UNIT})", _past),
    _word(rf"{_LETZT} (?P<unit>{UNIT})", _this(-1)),
    _word(rf"{_DIES} (?P<unit>{UNIT})", _this(0)),
    _word(rf"{_NACHST} (?P<unit>{UNIT})", _this(1)),
    _word(rf"(?P<last>{_LETZT}) (?P<weekday>{WEEKDAY})", _weekday),
    _word(rf"am (?P<weekday>{WEEKDAY})", _weekday),
    _word(rf"(?:im|seit|{_LETZT}|{_DIES})(?: (?:letzten|vergangenen))? (?P<month>{MONTH})", _month),
    _word(rf"(?:im|{_LETZT}|{_DIES})(?: letzten)? (?!fall\b)(?P<season>{SEASON})"
          rf"(?: (?P<year>{YEAR}))?", _season),
    # Spanish
    _word(r"anteayer|antier|antes de ayer", _day(-2)),
    _word(r"ayer(?: (?:por|a) la (?:manana|tarde|noche))?|anoche", _day(-1)),
    _word(r"hoy", _day(0)),
    _word(rf"hace (?:mas de |casi )?(?:como )?(?P<number>{NUMBER}) (?:de )?(?P<unit>{UNIT})", _ago),
    _word(rf"(?:en )?l[oa]s ultim[oa]s (?P<number>{NUMBER}) (?P<unit>{UNIT})", _past),
    _word(rf"(?:el |este )?fin de semana {_PASADO}|(?:el )?ultimo fin de semana",
          _shifted("weekend", -1)),
    _word(rf"(?:la |el )?(?P<unit>{UNIT}) {_PASADO}", _this(-1)),
    _word(rf"est[ea] (?P<unit>{UNIT})", _this(0)),
    _word(rf"(?:la |el )?proxim[oa] (?P<unit>{UNIT})|(?:la |el )?(?:semana|mes|ano) que viene",
          lambda now, match: periods.this(now, UNITS[match["unit"] or match[0].split()[-3]], 1)),
    _word(rf"el (?P<weekday>{WEEKDAY}) (?P<last>{_PASADO})|el {_PASADO} (?P<weekday2>{WEEKDAY})",
          lambda now, match: periods.weekday(
              now, WEEKDAYS[match["weekday"] or match["weekday2"]], is_past=True)),
    _word(rf"el (?P<weekday>{WEEKDAY})", _weekday),
    _word(rf"(?:en|desde|durante) (?P<month>{MONTH})(?: {_PASADO})?", _month),
    _word(rf"(?:en |durante )?(?:el |la )?(?P<season>{SEASON})(?: {_PASADO})"
          rf"(?: de(?:l)? (?P<year>{YEAR}))?", _season),
    _word(rf"en (?:el |la )?(?P<season>{SEASON})(?: de(?:l)? (?P<year>{YEAR}))?", _season),
    # a year, in these three
    _word(rf"(?:in|during|since|im jahr|im jahre|seit|en|desde|en el ano) (?P<year>{YEAR})", _year),
    # Chinese
    _han(r"大前天", _day(-3)),
    _han(r"前天", _day(-2)),
    _han(r"昨天|昨日|昨晚|昨夜", _day(-1)),
    _han(r"今天|今日|今早|今晚|今晨", _day(0)),
    _han(r"明天|明日", _day(1)),
    _han(rf"(?P<number>{HAN_NUMBER})\s*个?個?(?P<unit>{HAN_UNIT})(?:以)?[之]?前", _ago),
    _han(rf"(?:最近|过去|過去|近)的?(?P<number>{HAN_NUMBER})\s*个?個?(?P<unit>{HAN_UNIT})",
         _past),
    _han(r"上个?個?(?:周末|週末)", _shifted("weekend", -1)),
    _han(r"(?:这个?|這個?)?(?:周末|週末)", _shifted("weekend", 0)),
    _han(r"(?P<last>上)?(?:这|這|本)?个?個?(?:周|週|星期|礼拜|禮拜)(?P<weekday>[一二三四五六日天])",
         _han_weekday),
    _han(r"上个?個?(?:周|週|星期|礼拜|禮拜)", _shifted("week", -1)),
    _han(r"(?:这|這|本)个?個?(?:周|週|星期|礼拜|禮拜)", _shifted("week", 0)),
    _han(r"下个?個?(?:周|週|星期|礼拜|禮拜)", _shifted("week", 1)),
    _han(r"上个?個?月", _last_month),
    _han(r"(?:这|這|本)个?個?月", _shifted("month", 0)),
    _han(rf"(?P<year>{YEAR}年|去年|前年|今年)?(?:的)?(?<![\d个個])(?P<number>1[0-2]|[1-9]|"
         r"十[一二]?|[一二三四五六七八九])月(?:份)?(?:(?P<day>\d\d?)[日号號])?", _han_month),
    _han(r"去年", _shifted("year", -1)),
    _han(r"前年", _shifted("year", -2)),
    _han(r"今年", _shifted("year", 0)),
    _han(rf"(?P<year>{YEAR})年", _year),
]  # fmt: skip
