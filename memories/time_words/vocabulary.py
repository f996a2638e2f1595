"""The words for times in four languages, without case and accents, as `fold` writes them."""

from __future__ import annotations

from collections.abc import Mapping


def _numbered(words: str, first: int = 0) -> dict[str, int]:
    """Number words from `first`; alternatives, with a slash between them, alike."""
    return {
        alternative: number
        for number, word in enumerate(words.split(), first)
        for alternative in word.split("/")
    }


MONTHS = {
    **_numbered(
        "january/jan february/feb march/mar april/apr may june/jun july/jul august/aug"
        " september/sept/sep october/oct november/nov december/dec",
        1,
    ),
    **_numbered(
        "januar/janner februar marz/maerz april mai juni juli august september oktober/okt"
        " november dezember/dez",
        1,
    ),
    **_numbered(
        "enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre"
        " diciembre",
        1,
    ),
}
WEEKDAYS = {
    **_numbered("monday tuesday wednesday thursday friday saturday sunday"),
    **_numbered("montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag"),
    **_numbered("lunes martes miercoles jueves viernes sabado domingo"),
}
# The first months of the seasons of the northern half of the world.
SEASONS: Mapping[str, int] = {
    "spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12,
    "fruhling": 3, "fruehling": 3, "fruhjahr": 3, "fruehjahr": 3, "sommer": 6, "herbst": 9,
    "primavera": 3, "verano": 6, "otono": 9, "invierno": 12,
}  # fmt: skip
UNITS: Mapping[str, str] = {
    **dict.fromkeys(["hour", "hours", "stunde", "stunden", "hora", "horas"], "hour"),
    **dict.fromkeys(["day", "days", "tag", "tage", "tagen", "dia", "dias"], "day"),
    **dict.fromkeys(["week", "weeks", "woche", "wochen", "semana", "semanas"], "week"),
    **dict.fromkeys(["month", "months", "monat", "monate", "monaten", "mes", "meses"], "month"),
    **dict.fromkeys(["year", "years", "jahr", "jahre", "jahren", "ano", "anos"], "year"),
    **dict.fromkeys(["weekend", "wochenende"], "weekend"),
}
NUMBERS: Mapping[str, int] = {
    **_numbered(
        "a/an/one two/couple three/few four five six seven eight nine ten eleven twelve", 1
    ),
    **_numbered(
        "ein/eine/einem/einer/einen zwei drei/paar/einigen vier funf/fuenf sechs sieben acht neun"
        " zehn elf zwolf/zwoelf",
        1,
    ),
    **_numbered("un/una/uno dos/par tres/unos/unas cuatro cinco seis siete ocho nueve diez", 1),
}

HAN_NUMBERS: Mapping[str, int] = {
    **_numbered("一 二/两/兩 三 四 五 六 七 八 九 十 十一 十二", 1),
    "几": 3, "幾": 3,
}  # fmt: skip
HAN_UNITS: Mapping[str, str] = {
    "小时": "hour", "小時": "hour", "天": "day", "日": "day", "周": "week", "週": "week",
    "星期": "week", "礼拜": "week", "禮拜": "week", "月": "month", "年": "year",
}  # fmt: skip
HAN_WEEKDAYS = _numbered("一 二 三 四 五 六 日/天")
