from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import chromium
from tests.browser.chromium import Look, Visit
from tests.shared_server import SharedServer

PASSWORD = "correct horse battery staple"

SignIn = Callable[..., Visit]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium.found() is None:
        skip = pytest.mark.skip(reason="there is no Chromium: `make test-browser` installs it")
        for item in items:
            if item.path.is_relative_to(__file__.rpartition("/")[0]):
                item.add_marker(skip)


@pytest.fixture(scope="module")
def operator(shared_server: SharedServer) -> tuple[str, str]:
    """The user id and the password of an operator of the server's."""
    return "root", shared_server.output_of("create_operator", "root", "--generate")


@pytest.fixture(scope="module")
def visits(shared_server: SharedServer) -> Iterator[Callable[[Look], Visit]]:
    """Open the admin in a browser: one for all tests of a file, each with a session of its own."""
    opened: list[Visit] = []
    with chromium.browser() as browser:

        def visit(look: Look, **options: bool) -> Visit:
            opened.append(Visit(browser, shared_server.url, look, **options))
            return opened[-1]

        yield visit


@pytest.fixture
def sign_in(
    visits: Callable[[Look], Visit], operator: tuple[str, str]
) -> Iterator[Callable[[Look], Visit]]:
    """Sign in as an operator. Afterwards, nothing may have gone wrong in the browser."""
    opened: list[Visit] = []

    def sign_in(look: Look = chromium.DESKTOP) -> Visit:
        visit = visits(look)
        opened.append(visit)
        visit.sign_in(*operator)
        return visit

    yield sign_in
    for visit in opened:
        visit.close()
    assert [fault for visit in opened for fault in visit.faults] == []


@pytest.fixture
def user_id(shared_server: SharedServer) -> str:
    """A user of the test's own, with a memory of the app `notes`."""
    name = f"user-{secrets.token_hex(4)}"
    shared_server.call("POST", "/users", json={"user_id": name})
    body = {"user_id": name, "text": f"The dog of {name} is called Rex", "app": "notes"}
    shared_server.call("POST", "/memories", json=body)
    return name


@pytest.fixture(autouse=True, scope="module")
def patience() -> None:
    """A busy machine takes longer than a person would wait."""
    expect.set_options(timeout=120_000)


@pytest.fixture
def person(visits, shared_server: SharedServer, user_id: str) -> Iterator[SignIn]:
    """Sign the user in by a link. Afterwards, nothing may have gone wrong in the browser."""
    opened: list[Visit] = []

    def sign_in(look: Look = chromium.DESKTOP, **options: bool) -> Visit:
        visit = visits(look, **options)
        opened.append(visit)
        link = shared_server.output_of("sign_in_link", user_id, "--url", shared_server.url)
        visit.page.goto(link)
        visit.page.get_by_role("button", name=f"Sign in as {user_id}").click()
        visit.page.wait_for_url(f"{shared_server.url}/settings")
        return visit

    yield sign_in
    for visit in opened:
        visit.close()
    assert [fault for visit in opened for fault in visit.faults] == []
