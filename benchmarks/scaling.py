"""The gain of a second server, and the cost of losing one of two.

Two web servers and two workers of each queue, as in docker/compose.yaml, share PostgreSQL and
Valkey over TCP, and with --rabbitmq RabbitMQ. Clients search and write on both servers, and retry
once on the other. Prints searches per second with one and with two servers, in turns, and the
failures while one of each is killed. See benchmarks/README.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests
from live_server import CHECKOUT, setup_django
from sample_data import Writer, insert_memories, vacuum_analyze

sys.path.insert(0, str(CHECKOUT))
USER = "benchmark"
ROUNDS = 3


@dataclass
class Outcomes:
    """What the clients of one measurement counted."""

    searches: int = 0
    written: list[str] = field(default_factory=list)
    retried: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class RetryingClient:
    """A client that takes the servers in turn, and retries once on the next."""

    def __init__(self, urls: list[str], key: str, first: int, outcomes: Outcomes) -> None:
        self._turns = itertools.islice(itertools.cycle(urls), first, None)
        self._sessions = {url: requests.Session() for url in urls}
        self._headers = {"Authorization": f"Bearer {key}"}
        self._outcomes = outcomes

    def post(self, path: str, body: Any) -> bool:
        for attempt in (1, 2):
            url = next(self._turns)
            try:
                response = self._sessions[url].post(
                    f"{url}/api/v1{path}", json=body, headers=self._headers, timeout=30
                )
                if response.status_code == 200:
                    return True
            except requests.RequestException:
                pass
            with self._outcomes.lock:
                if attempt == 1:
                    self._outcomes.retried += 1
                else:
                    self._outcomes.failed += 1
        return False


def start_load(
    urls: list[str], key: str, *, seconds: float, clients: int, writes: int = 0
) -> Callable[[], Outcomes]:
    """Send requests from many threads. Returns a function that waits for their outcomes.

    Every request whose number `writes` divides stores a memory.
    """
    outcomes, deadline = Outcomes(), time.monotonic() + seconds

    def run_client(number: int) -> None:
        client, writer = RetryingClient(urls, key, number, outcomes), Writer(seed=number)
        for turn in itertools.count(1):
            if time.monotonic() > deadline:
                return
            if writes and turn % writes == 0:
                text = f"{writer.sentence()} ({number}, {turn}, {deadline})"
                if client.post("/memories", {"text": text, "app": "scaling"}):
                    outcomes.written.append(text)
            elif client.post("/memories/search", {"query": writer.question()}):
                with outcomes.lock:
                    outcomes.searches += 1

    threads = [threading.Thread(target=run_client, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()

    def wait() -> Outcomes:
        for thread in threads:
            thread.join()
        return outcomes

    return wait


@contextmanager
def installation(rabbitmq: bool) -> Iterator[Any]:
    """The services over TCP, with a migrated database."""
    from tests.deployment import containers, services
    from tests.jobs.rabbitmq import RabbitMQ

    folder = Path(tempfile.mkdtemp(prefix="om-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        running = stack.enter_context(services.running(folder))
        containers.shared_folders(running)
        running.changes = {
            "OPENMEMORY_RATE_READS": "off",
            "OPENMEMORY_RATE_WRITES": "off",
            "OPENMEMORY_LOG_LEVEL": "WARNING",
            "OPENMEMORY_WEB_PROCESSES": "1",
            "OPENMEMORY_QUICK_WORKERS_BEAT": "1",
        }
        if rabbitmq:
            (folder / "rabbitmq").mkdir()
            broker = RabbitMQ(folder / "rabbitmq")
            stack.callback(broker.end)
            broker.start()
            running.changes["CELERY_BROKER_URL"] = broker.url
        assert containers.Container("migrate", running).start().wait() == 0, running.log()
        yield running


def create_user(web: Any, memories: int) -> str:
    """Create a user with this many memories, and return their key."""
    key = web.execute("python", "manage.py", "create_api_key", USER, "--create-user", "--operator")
    os.environ |= {
        "OPENMEMORY_STATE_DIR": tempfile.mkdtemp(prefix="om-"),
        "DATABASE_URL": web.services.database_url,
        "PGPASSWORD": web.services.secret("database_password"),
        "REDIS_URL": web.services.redis_url,
    }
    setup_django()
    from configuration.providers import get_local_embedder

    insert_memories(USER, memories, get_local_embedder())
    vacuum_analyze()
    return str(key.stdout.split()[-1])


def measure(web: list[Any], key: str, options: argparse.Namespace) -> None:
    one_server, two_servers = [], []
    load = {"seconds": options.seconds, "clients": options.clients}
    for _ in range(ROUNDS):
        one_server.append(start_load([web[0].url], key, **load)().searches / options.seconds)
        two_servers.append(
            start_load([server.url for server in web], key, **load)().searches / options.seconds
        )
    if not all([*one_server, *two_servers]):
        raise SystemExit("No search succeeded in one of the rounds: choose more --seconds.")
    print("| searches per second | one server | two servers | ratio |\n| --- | --- | --- | --- |")
    for number, (first, second) in enumerate(zip(one_server, two_servers, strict=True), 1):
        print(f"| round {number} | {first:.1f} | {second:.1f} | **{second / first:.2f}** |")


def lose_one_of_each(
    web: list[Any], quick: list[Any], long: list[Any], key: str, seconds: float
) -> None:
    wait = start_load([server.url for server in web], key, seconds=seconds, clients=8, writes=4)
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {key}"})
    time.sleep(seconds / 4)
    job = session.post(
        f"{web[0].url}/api/v1/backup/export",
        json={"user_id": USER},
        headers={"Prefer": "respond-async"},
        timeout=30,
    ).json()
    for container in (worker_of(job["id"], long), web[1], quick[1]):
        kill(container)
        time.sleep(seconds / 16)
    outcomes = wait()
    export = wait_for_job(session, f"{web[0].url}/api/v1/jobs/{job['id']}")
    print("\n| succeeded | retried | failed | memories stored | of them kept | export |")
    print("| --- | --- | --- | --- | --- | --- |")
    succeeded = outcomes.searches + len(outcomes.written)
    print(
        f"| {succeeded} | {outcomes.retried} | **{outcomes.failed}** "
        f"| {len(outcomes.written)} | {count_kept(web[0], outcomes.written)} "
        f"| {export['state']} at attempt {attempts(web[0], job['id'])} |"
    )


def worker_of(job_id: str, workers: list[Any]) -> Any:
    """The worker that runs this job; any of them if none starts it within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for worker in workers:
            if any((worker.state / "scratch").glob(f"{job_id}-*")):
                return worker
        time.sleep(0.002)
    return workers[-1]


def pin(container: Any, processor: int) -> None:
    """Limit it to one processor."""
    main = psutil.Process(container.process.pid)
    for process in [main, *main.children(recursive=True)]:
        for thread in process.threads():
            with suppress(ProcessLookupError):  # it has just ended
                os.sched_setaffinity(thread.id, [processor])


def kill(container: Any) -> None:
    """Kill all its processes at once, as the loss of its machine would."""
    main = psutil.Process(container.process.pid)
    for process in [main, *main.children(recursive=True)]:
        process.send_signal(signal.SIGKILL)


def wait_for_job(session: requests.Session, url: str) -> Any:
    while True:
        job = session.get(url, timeout=30).json()
        if job["state"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.5)


def count_kept(web: Any, texts: list[str]) -> int:
    """How many of these texts exist exactly once."""
    with psycopg.connect(web.services.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM (SELECT content FROM memories_memory WHERE content = ANY(%s)"
            " GROUP BY content HAVING count(*) = 1) AS once",
            [texts],
        ).fetchone()
    return int(row[0]) if row else 0


def attempts(web: Any, job_id: str) -> int:
    with psycopg.connect(web.services.database_url) as connection:
        row = connection.execute("SELECT attempts FROM jobs_job WHERE id = %s", [job_id]).fetchone()
    return int(row[0]) if row else 0


def connections(services: Any) -> str:
    with psycopg.connect(services.database_url) as connection:
        row = connection.execute(
            "SELECT count(*) - 1 FROM pg_stat_activity WHERE usename = current_user"
        ).fetchone()
    return f"Connections to the database: {row[0] if row else 0}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memories", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rabbitmq", action="store_true", help="as the broker of jobs")
    options = parser.parse_args()
    with installation(options.rabbitmq) as services, ExitStack() as stack:
        from tests.deployment.containers import Container, Web

        web = [Web("web", services, **services.changes) for _ in range(2)]
        names = ("worker-quick", "worker-quick", "worker-long", "worker-long")
        workers = [Container(name, services, **services.changes) for name in names]
        for container in (*web, *workers):
            stack.callback(container.kill)
            container.start()
        for server in web:
            server.wait_until_ready()
        key = create_user(web[0], options.memories)
        print("All processors shared by both:\n")
        measure(web, key, options)
        for processor, server in enumerate(web):
            pin(server, processor)
        print("\nOne processor each, as on two machines:\n")
        measure(web, key, options)
        print(f"\n{connections(services)}")
        lose_one_of_each(web, workers[:2], workers[2:], key, options.seconds * 2)


if __name__ == "__main__":
    main()
