from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import processes
from embedded.processes import Command
from server import supervisor
from server.supervisor import ServerProcess, StopRequests, Supervisor
from tests.deadline import eventually


def program(folder: Path, script: str, **more: object) -> ServerProcess:
    argv = ["/bin/sh", "-c", script]
    return ServerProcess(
        "The program", Command(argv=argv, folder=folder, log=folder / "log", **more)
    )


def supervise(folder: Path, child: ServerProcess, sentences: int) -> list[str]:
    """Watch a child until so much was said about it."""
    said: list[str] = []
    stop = StopRequests()

    def say(text: str) -> None:
        said.append(text)
        stop.count = int(len(said) >= sentences)

    if child.process is None:
        child.start()
    family = Supervisor([child], folder, say)
    family.watch(stop)
    family.stop(lambda: True)
    return said


def test_a_child_that_keeps_ending_is_started_again_later_and_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (0.0, 0.1, 1000.0))

    said = supervise(tmp_path, program(tmp_path, "echo started; exit 3"), sentences=3)

    assert said == [
        "The program exited (status 3). Restarting now.",
        "The program exited (status 3). Restarting in 0 s.",
        "The program exited (status 3). Restarting in 1000 s.",
    ]
    assert (tmp_path / "log").read_text() == "started\n" * 3


def test_a_child_that_ran_for_long_is_started_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "HEALTHY_SECONDS", -1.0)
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (0.0, 1000.0))

    said = supervise(tmp_path, program(tmp_path, "kill -9 $$"), sentences=3)

    assert said == ["The program exited (killed by SIGKILL). Restarting now."] * 3


def test_a_child_that_cannot_be_started_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "RESTART_DELAYS", (0.0,))
    folder = tmp_path / "folder"
    folder.mkdir()
    child = program(folder, "exit 3")
    child.start()
    assert eventually(lambda: child.status() == 3)
    shutil.rmtree(folder)

    said = supervise(tmp_path, child, sentences=3)

    assert said[1] == said[2]
    assert said[1].startswith("The program does not start: [Errno 2] No such file or directory")


def test_to_be_orphaned_is_to_be_asked_to_stop() -> None:
    assert not StopRequests(os.getppid()).requested()
    assert StopRequests(os.getpid()).requested()


def test_signals_are_counted_while_they_are_heard() -> None:
    before = signal.getsignal(signal.SIGINT)
    stop = StopRequests()

    with stop.listen():
        signal.raise_signal(signal.SIGTERM)
        assert (stop.requested(), stop.urgent()) == (True, False)
        signal.raise_signal(signal.SIGINT)
        assert stop.urgent()

    assert signal.getsignal(signal.SIGINT) is before


def test_a_child_has_its_time_to_obey(tmp_path: Path) -> None:
    child = program(
        tmp_path, "trap 'echo obeyed; exit 0' TERM; echo up; while :; do sleep 0.05; done"
    )
    child.start()
    assert eventually(lambda: "up" in (tmp_path / "log").read_text())

    child.stop()

    assert (tmp_path / "log").read_text() == "up\nobeyed\n"


def test_a_child_that_does_not_obey_is_killed(tmp_path: Path) -> None:
    stop_sequence = ((signal.SIGTERM, 0.1), (signal.SIGINT, 0.1))
    script = "trap 'echo no' TERM; trap 'echo never' INT; echo up; while :; do sleep 0.05; done"
    child = program(tmp_path, script, stop_sequence=stop_sequence)
    child.start()
    process = child.process
    assert eventually(lambda: "up" in (tmp_path / "log").read_text())

    child.stop()

    assert process is not None
    assert process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="needs the parent-death signal")
def test_a_child_whose_parent_is_gone_already_does_not_start(tmp_path: Path) -> None:
    command = Command(argv=["/bin/echo", "started"], folder=tmp_path)
    argv = processes.launch_argv(command)
    argv[argv.index("--parent") + 1] = "1"

    result = subprocess.run(argv, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "The parent process has already exited.\n"


def test_a_program_that_cannot_be_run_is_told_in_a_sentence(tmp_path: Path) -> None:
    command = Command(argv=[str(tmp_path / "none")], folder=tmp_path)

    result = subprocess.run(
        processes.launch_argv(command), capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert result.stderr.startswith(f"User {os.getuid()} cannot run {tmp_path}/none: ")


def test_a_log_that_grew_long_is_cut_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 1000)
    monkeypatch.setattr(processes, "TAIL_BYTES", 20)
    path = tmp_path / "postgres.log"

    with processes.open_log(path) as log:
        log.write(b"x" * 2000 + b"the end of the day\n")
        log.flush()
        processes.trim_log(path)
        log.write(b"the next day\n")

    assert path.read_text() == "the next day\n"
    assert (tmp_path / "postgres.old.log").read_text() == "xthe end of the day\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_end_of_a_log_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {number}\n" for number in range(5000)))

    assert processes.tail(path, lines=2) == "line 4998\nline 4999"
    assert processes.tail(tmp_path / "none.log") == ""
