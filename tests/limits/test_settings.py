import pytest
from django.core.exceptions import ImproperlyConfigured

from openmemory import env


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
