"""Who may start the services of a state folder, and when they may stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from embedded import stack
from embedded.errors import AlreadyRunning, ServiceFailed
from embedded.ownership import Owner, Ownership
from embedded.processes import Command
from embedded.service import Service
from tests.deadline import SECONDS


class Sleeper(Service):
    """A service that answers from the moment it was started, and counts who answers."""

    name = "sleeper"
    title = "Sleeper"
    process_names = ("sleep",)
    start_seconds = SECONDS

    def prepare(self) -> None:
        pass

    def command(self) -> Command:
        return Command(argv=["/bin/sleep", "6000"], folder=self.folder, log=self.log)

    def answers(self) -> bool:
        return (self.folder / "up").exists()

    def set_up(self) -> None:
        pass

    def wait(self) -> None:
        (self.folder / "up").touch()

    def stop(self, urgent: Callable[[], bool] = lambda: False) -> None:
        (self.folder / "up").unlink(missing_ok=True)
        super().stop(urgent)


class Broken(Sleeper):
    name = "broken"

    def wait(self) -> None:
        raise ServiceFailed("The embedded Broken does not start.")


@contextmanager
def command(state_dir: Path, name: str = "manage.py a") -> Iterator[Sleeper]:
    service = Sleeper(state_dir)
    with stack.running(name, state_dir, [service]):
        yield service


def is_free(state_dir: Path) -> bool:
    """Tell whether a process could become the owner now."""
    ownership = Ownership(state_dir)
    try:
        return ownership.claim(Owner(1, "another"))
    finally:
        ownership.release()


def in_the_background(state_dir: Path) -> tuple[threading.Event, threading.Event, threading.Thread]:
    """Run a command in a thread: it says when it began, and ends when it is told."""
    began, end = threading.Event(), threading.Event()

    def run() -> None:
        with command(state_dir, "manage.py b"):
            began.set()
            end.wait(SECONDS)

    thread = threading.Thread(target=run)
    thread.start()
    return began, end, thread


def test_a_command_has_services_of_its_own_for_as_long_as_it_runs(tmp_path: Path) -> None:
    with command(tmp_path) as service:
        assert service.status() is None
        assert service.answers()

    assert service.process is None
    assert not service.answers()


def test_a_command_that_fails_stops_its_services(tmp_path: Path) -> None:
    service = Sleeper(tmp_path)

    with (
        pytest.raises(ZeroDivisionError),
        stack.running("manage.py a", tmp_path, [service]),
    ):
        raise ZeroDivisionError

    assert service.process is None


def test_a_second_command_uses_the_services_of_the_first(tmp_path: Path) -> None:
    with command(tmp_path) as first, command(tmp_path) as second:
        assert first.process is not None
        assert second.process is None
        assert second.answers()


def test_the_first_command_waits_for_the_second_before_it_stops_them(tmp_path: Path) -> None:
    with command(tmp_path) as first:
        began, end, thread = in_the_background(tmp_path)
        assert began.wait(SECONDS)
        stopper = threading.Timer(0.3, lambda: (answered.append(first.answers()), end.set()))
        answered: list[bool] = []
        stopper.start()

    thread.join(SECONDS)
    assert answered == [True]
    assert not first.answers()


def test_many_commands_at_once_all_have_services(tmp_path: Path) -> None:
    def use(_: int) -> bool:
        with command(tmp_path) as service:
            return service.answers()

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(use, range(40)))


def test_no_services_are_started_where_none_are_needed(tmp_path: Path) -> None:
    with stack.running("manage.py a", tmp_path, []):
        assert is_free(tmp_path)


def test_services_that_do_not_start_are_stopped_and_let_go_of(tmp_path: Path) -> None:
    sleeper, broken = Sleeper(tmp_path), Broken(tmp_path)

    with (
        pytest.raises(ServiceFailed, match="does not start"),
        stack.running("manage.py a", tmp_path, [sleeper, broken]),
    ):
        pytest.fail("the command ran")

    assert sleeper.process is None
    assert is_free(tmp_path)


def test_a_server_waits_for_a_command_and_says_so(tmp_path: Path) -> None:
    said: list[str] = []
    began, end, thread = in_the_background(tmp_path)
    assert began.wait(SECONDS)

    def say(text: str) -> None:
        said.append(text)
        end.set()

    ownership = stack.claim_services(tmp_path, Owner(7, "make run", "http://127.0.0.1:8000"), say)

    ownership.release()
    thread.join(SECONDS)
    assert ownership.owner() == Owner(7, "make run", "http://127.0.0.1:8000")
    assert [text.split(" (")[0] for text in said] == ["Waiting for `manage.py b`"]


def test_a_second_server_is_told_about_the_first(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    assert first.claim(Owner(4711, "make run", "http://127.0.0.1:8000"))

    with pytest.raises(AlreadyRunning) as refusal:
        stack.claim_services(tmp_path, Owner(4712, "make run", "http://127.0.0.1:8001"), print)
    first.release()

    assert refusal.value.detail == (
        "The server is already running: process 4711, at http://127.0.0.1:8000."
    )


def test_ownership_ends_with_its_holder(tmp_path: Path) -> None:
    first = Ownership(tmp_path)
    assert first.claim(Owner(1, "first"))
    assert not is_free(tmp_path)

    first.release()

    assert is_free(tmp_path)
