from core import checks


def test_an_advice_names_the_program_that_is_installed(monkeypatch):
    assert checks.error("Old.", "Run: manage.py housekeep").advice == "Run: manage.py housekeep"

    monkeypatch.setattr(checks, "PROGRAM", "openmemory")

    assert checks.error("Old.", "Run: manage.py housekeep").advice == "Run: openmemory housekeep"
    assert checks.warning("Old.", "Run: manage.py key").advice == "Run: openmemory key"
