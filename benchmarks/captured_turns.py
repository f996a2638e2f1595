"""A conversation of an agent with the plug-in's hooks, whose server is killed again and again.

    python benchmarks/captured_turns.py [--turns 200] [--kills 6] [--seed 1] [--recall-ms 300]
                                        [--writers 0]

Each turn calls the hooks as an agent does: one before the prompt, which may recall, and one after
the answer, which captures. The answer repeats word by word what was recalled. At random turns all
processes of the server are killed with SIGKILL, and it is started again some turns later. In the
end, every turn must be one memory of its own words, and no hook may have taken more than 300 ms.
A busy machine is late with recalls: --recall-ms 5000 shows there that nothing recalled is captured.
--writers stores memories of another app meanwhile, each writer as fast as the server takes them.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from kill_anything import RestartableServer
from live_server import CHECKOUT, scratch_folder

PLUGINS = CHECKOUT / "plugins"
MOST_SECONDS = 0.3
TOPICS = ["the garden", "the boat", "our dog", "the tax return", "a trip to Ghent", "the piano"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--recall-ms", type=int, default=300)
    parser.add_argument("--writers", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with scratch_folder() as folder:
        server = RestartableServer(Path(folder) / "server")
        server.folder.mkdir()
        try:
            server.start()
            server.wait_until_ready()
            agent = Agent(Path(folder) / "home", server, options.recall_ms)
            with writing(server, options.writers) as written:
                talk(agent, server, options.turns, options.kills, chance)
            print(f"written beside  {written.value}")
            server.restart_if_killed()
            server.wait_until_ready()
            agent.flush()
            print_report(agent, read_memories(server), options.turns)
        finally:
            server.end()


class Agent:
    """Calls the hooks, and answers with what they recalled."""

    def __init__(self, home: Path, server: RestartableServer, recall_ms: int) -> None:
        settings = home / ".config" / "openmemory" / "hook.json"
        settings.parent.mkdir(parents=True)
        key = (server.folder / "api_key").read_text()
        access = {"server": f"http://127.0.0.1:{server.port}", "key": key, "app": "agent"}
        settings.write_text(json.dumps({"memories": {"default": access}, "recall_ms": recall_ms}))
        settings.chmod(0o600)
        self._program = install_program(home / ".local" / "share" / "openmemory")
        self._home = home
        self._environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        self.recalls = 0
        self.seconds: dict[str, list[float]] = {"recall": [], "capture": []}

    def take_turn(self, number: int) -> None:
        prompt = f"Turn {number}: what do you know about {TOPICS[number % len(TOPICS)]}?"
        reply = self._call("recall", {"hook_event_name": "UserPromptSubmit", "prompt": prompt})
        recalled = re.findall(r"^- \[.{36}\] .+$", reply.replace("\\n", "\n"), re.MULTILINE)
        self.recalls += bool(recalled)
        said = [line.partition(": ")[2] for line in recalled]
        answer = "\n".join([*recalled, *said, f"This is answer {number}, word {number * 7919}."])
        self._call("capture", {"hook_event_name": "Stop", "last_assistant_message": answer})

    def _call(self, command: str, event: dict[str, Any]) -> str:
        event = {"session_id": "one", "cwd": str(self._home), **event}
        started = time.monotonic()
        done = self._run(command, "--client", "claude-code", stdin=json.dumps(event))
        self.seconds[command].append(time.monotonic() - started)
        return done

    def flush(self) -> None:
        while "0 turns are waiting" not in self._run("flush"):
            time.sleep(0.5)

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self._run("status", "--json"))
        return report

    def _run(self, *arguments: str, stdin: str = "") -> str:
        python = getattr(sys, "_base_executable", sys.executable)
        return subprocess.run(
            [python, "-IS", str(self._program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self._environment,
            check=False,
        ).stdout


def install_program(folder: Path) -> Path:
    """As an installation does: what it starts is a module, which Python compiles once."""
    folder.mkdir(parents=True)
    shutil.copy(PLUGINS / "openmemory_hook.py", folder)
    program = folder / "openmemory-hook"
    source = runpy.run_path(str(PLUGINS / "install.py"))["_PROGRAM"]
    program.write_text(source.format(folder=str(folder)))
    return program


def talk(
    agent: Agent, server: RestartableServer, turns: int, kills: int, chance: random.Random
) -> None:
    fatal = set(chance.sample(range(2, turns - 1), kills))
    start_at = 0
    for number in range(turns):
        if number in fatal:
            for process in server.processes():
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            start_at = number + chance.randint(1, 4)
        if number == start_at:
            server.restart_if_killed()
        agent.take_turn(number)
        print(f"\r{number + 1} of {turns}", end="", file=sys.stderr)
    print(file=sys.stderr)


@contextmanager
def writing(server: RestartableServer, writers: int) -> Iterator[Any]:
    """Store memories meanwhile. Yields how many were stored."""
    written = multiprocessing.Value("i", 0)
    key = (server.folder / "api_key").read_text()
    arguments = (server.port, key, writers, written)
    process = multiprocessing.Process(target=write, args=arguments, daemon=True)
    process.start()
    yield written
    process.kill()
    process.join()


def write(port: int, key: str, writers: int, written: Any) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def keep_writing(number: int) -> None:
        for count in itertools.count():
            body = {"text": f"Note {count} of writer {number}", "app": "writer", "infer": False}
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            try:
                connection.request("POST", "/api/v1/memories", json.dumps(body), headers)
                is_stored = connection.getresponse().status < 300
            except (OSError, http.client.HTTPException):
                time.sleep(0.2)
                continue
            finally:
                connection.close()
            with written.get_lock():
                written.value += is_stored

    threads = [threading.Thread(target=keep_writing, args=(each,)) for each in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def read_memories(server: RestartableServer) -> list[str]:
    texts: list[str] = []
    for page in range(1, 1_000):
        status, answer = server.call("GET", f"/api/v1/memories?size=100&page={page}")
        assert status == 200, answer
        texts += [item["content"] for item in answer["items"] if item["app_name"] == "agent"]
        if page >= answer["pages"]:
            break
    return texts


def print_report(agent: Agent, texts: list[str], turns: int) -> None:
    told = [re.findall(r"Turn (\d+):|answer (\d+), word", text) for text in texts]
    numbers = [{prompt or answer for prompt, answer in each} for each in told]
    captured = Counter(number for each in numbers for number in each)
    whole = sum(len(each) == 2 for each in told)
    print(f"turns           {turns}, of which {agent.recalls} recalled something")
    print(f"captured once   {sum(captured[str(number)] == 1 for number in range(turns))}")
    print(f"whole           {whole} memories of a prompt and its answer, of {len(texts)}")
    print(f"recalled again  {sum(len(each) > 1 for each in numbers)} memories hold another turn")
    for command, seconds in agent.seconds.items():
        longest = sorted(seconds)
        late = sum(each > MOST_SECONDS for each in seconds)
        median = longest[len(longest) // 2]
        print(
            f"{command:<15} {median * 1000:.0f} ms median, {longest[-1] * 1000:.0f} ms at most, "
            f"{late} over {MOST_SECONDS * 1000:.0f} ms"
        )
    print(f"status          {agent.status()}")


if __name__ == "__main__":
    main()
