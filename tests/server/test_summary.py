from __future__ import annotations

import pytest

from openmemory import settings
from server.start import Address, describe_server

ADDRESS = Address("127.0.0.1", 8000)


def test_who_starts_the_server_is_told_that_old_clients_are_let_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "LEGACY_CLIENTS", False)
    assert "Old clients" not in describe_server(ADDRESS, "om_key", True)

    monkeypatch.setattr(settings, "LEGACY_CLIENTS", True)
    assert "  Legacy clients act as this user without a key\n" in describe_server(
        ADDRESS, "om_key", True
    )


def test_without_a_terminal_the_start_says_how_to_get_the_key_and_not_the_key() -> None:
    shown = describe_server(ADDRESS, "om_key", True)
    withheld = describe_server(ADDRESS, None, True)

    assert f"  API key        om_key\n{'':17}stored in {settings.STATE_DIR}/api_key\n" in shown
    assert f"  API key        cat {settings.STATE_DIR}/api_key\n" in withheld


def test_who_starts_the_server_is_told_how_to_sign_in_until_they_can() -> None:
    assert "  Admin          http://127.0.0.1:8000/admin/\n" in describe_server(
        ADDRESS, "om_key", True
    )

    assert "make operator" not in describe_server(ADDRESS, "om_key", True)
    assert "`make operator` sets a password" in describe_server(ADDRESS, "om_key", False)
