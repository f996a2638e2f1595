import pytest
from django.core.exceptions import ImproperlyConfigured

from core import env


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("", (6000, 60)),
        ("5/s", (5, 1)),
        ("100/m", (100, 60)),
        ("1/h", (1, 3600)),
        ("20000/d", (20000, 86400)),
        ("off", None),
        ("OFF", None),
    ],
)
def test_a_rate_is_read(monkeypatch, text, rate):
    monkeypatch.setenv("RATE", text)

    assert env.rate("RATE", "6000/m") == rate


@pytest.mark.parametrize("text", ["100", "0/m", "-1/m", "1.5/m", "100/w", "100/10m", "/m", "many"])
def test_what_is_no_rate_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("RATE", text)

    with pytest.raises(ImproperlyConfigured, match=r"RATE='.*' is not a rate: .*6000/m"):
        env.rate("RATE", "6000/m")


@pytest.mark.parametrize(("text", "value"), [("", 0.25), ("0", 0), ("1", 1), (" .5 ", 0.5)])
def test_a_number_is_read(monkeypatch, text, value):
    monkeypatch.setenv("WEIGHT", text)

    assert env.number("WEIGHT", 0.25, minimum=0, maximum=1) == value


@pytest.mark.parametrize("text", ["-0.1", "1.01", "nan", "inf", "-inf", "1e9"])
def test_a_number_out_of_bounds_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("WEIGHT", text)

    with pytest.raises(ImproperlyConfigured, match=f"WEIGHT={text} is not between 0 and 1"):
        env.number("WEIGHT", 0.25, minimum=0, maximum=1)


@pytest.mark.parametrize("text", ["much", "0,5", "1 2"])
def test_what_is_no_number_stops_the_start(monkeypatch, text):
    monkeypatch.setenv("WEIGHT", text)

    with pytest.raises(ImproperlyConfigured, match=r"WEIGHT='.*' is not a number"):
        env.number("WEIGHT", 0.25, minimum=0, maximum=1)
