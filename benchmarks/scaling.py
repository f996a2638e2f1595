"""What a second server beside the first one brings, and what it costs to lose one of them.

Two web servers and two workers of each sort, as docker/compose.yaml runs them, share a PostgreSQL
and a Valkey on TCP, and with --rabbitmq a RabbitMQ. Clients search and write over both, and retry
once on the other. It prints searches a second with one and with two servers, in turns, and what
fails while one of each is killed. See benchmarks/README.md.
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
from live_server import CHECKOUT, use_django
from sample_data import Writer, settle, stock

sys.path.insert(0, str(CHECKOUT))
USER = "benchmark"
ROUNDS = 3


@dataclass
class Seen:
    """What the clients of one measurement have seen."""

    searches: int = 0
    written: list[str] = field(default_factory=list)
    retried: int = 0
    failed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Retrying:
    """A client that asks the servers in turn, and once more the next one when one fails."""

    def __init__(self, urls: list[str], key: str, first: int, seen: Seen) -> None:
        self._turns = itertools.islice(itertools.cycle(urls), first, None)
        self._sessions = {url: requests.Session() for url in urls}
        self._headers = {"Authorization": f"Bearer {key}"}
        self._seen = seen

    def post(self, path: str, body: Any) -> bool:
        for attempt in (1, 2):
            url = next(self._turns)
            try:
                answer = self._sessions[url].post(
                    f"{url}/api/v1{path}", json=body, headers=self._headers, timeout=30
                )
                if answer.status_code == 200:
                    return True
            except requests.RequestException:
                pass
            with self._seen.lock:
                if attempt == 1:
                    self._seen.retried += 1
                else:
                    self._seen.failed += 1
        return False


def under_load(
    urls: list[str], key: str, *, seconds: float, clients: int, writes: int = 0
) -> Callable[[], Seen]:
    """Begin to ask, from many threads. Returns what waits for the end and tells what was seen.

    With `writes`, every so-manieth request puts down a memory.
    """
    seen, until = Seen(), time.monotonic() + seconds

    def ask(number: int) -> None:
        client, writer = Retrying(urls, key, number, seen), Writer(seed=number)
        for turn in itertools.count(1):
            if time.monotonic() > until:
                return
            if writes and turn % writes == 0:
                text = f"{writer.sentence()} ({number}, {turn}, {until})"
                if client.post("/memories", {"text": text, "app": "scaling"}):
                    seen.written.append(text)
            elif client.post("/memories/search", {"query": writer.question()}):
                with seen.lock:
                    seen.searches += 1

    threads = [threading.Thread(target=ask, args=[number]) for number in range(clients)]
    for thread in threads:
        thread.start()

    def wait() -> Seen:
        for thread in threads:
            thread.join()
        return seen

    return wait


@contextmanager
def installation(rabbitmq: bool) -> Iterator[Any]:
    """The services, on TCP, with a database that is migrated."""
    from tests.deployment import containers, services
    from tests.jobs.rabbitmq import RabbitMQ

    folder = Path(tempfile.mkdtemp(prefix="om-"))
    folder.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        found = stack.enter_context(services.running(folder))
        containers.shared_folders(found)
        found.changes = {
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
            found.changes["CELERY_BROKER_URL"] = broker.url
        assert containers.Container("migrate", found).start().wait() == 0, found.log()
        yield found


def make_user(web: Any, memories: int) -> str:
    """A user with many memories, and their key."""
    key = web.execute("python", "manage.py", "create_api_key", USER, "--create-user", "--operator")
    os.environ |= {
        "OPENMEMORY_STATE_DIR": tempfile.mkdtemp(prefix="om-"),
        "DATABASE_URL": web.services.database_url,
        "PGPASSWORD": web.services.secret("database_password"),
        "REDIS_URL": web.services.redis_url,
    }
    use_django()
    from configuration.providers import get_local_embedder

    stock(USER, memories, get_local_embedder())
    settle()
    return str(key.stdout.split()[-1])


def measure(web: list[Any], key: str, options: argparse.Namespace) -> None:
    one, two = [], []
    load = {"seconds": options.seconds, "clients": options.clients}
    for _ in range(ROUNDS):
        one.append(under_load([web[0].url], key, **load)().searches / options.seconds)
        two.append(under_load([w.url for w in web], key, **load)().searches / options.seconds)
    print("| searches a second | one server | two servers | ratio |\n| --- | --- | --- | --- |")
    for number, (first, second) in enumerate(zip(one, two, strict=True), 1):
        print(f"| round {number} | {first:.1f} | {second:.1f} | **{second / first:.2f}** |")


def lose_one_of_each(
    web: list[Any], quick: list[Any], long: list[Any], key: str, seconds: float
) -> None:
    wait = under_load([w.url for w in web], key, seconds=seconds, clients=8, writes=4)
    session = requests.Session()
    session.headers.update({"Authorization": f"Bearer {key}"})
    time.sleep(seconds / 4)
    job = session.post(
        f"{web[0].url}/api/v1/backup/export",
        json={"user_id": USER},
        headers={"Prefer": "respond-async"},
        timeout=30,
    ).json()
    for each in (whoever_runs(job["id"], long), web[1], quick[1]):
        kill(each)
        time.sleep(seconds / 16)
    seen = wait()
    ended = wait_for_job(session, f"{web[0].url}/api/v1/jobs/{job['id']}")
    print("\n| answered | retried | failed | memories written | of them kept | an export |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(
        f"| {seen.searches + len(seen.written)} | {seen.retried} | **{seen.failed}** "
        f"| {len(seen.written)} | {kept(web[0], seen.written)} "
        f"| {ended['state']} at attempt {attempts(web[0], job['id'])} |"
    )


def whoever_runs(job_id: str, workers: list[Any]) -> Any:
    """The worker that has begun this job; any, when none is seen to in ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for worker in workers:
            if any((worker.state / "scratch").glob(f"{job_id}-*")):
                return worker
        time.sleep(0.002)
    return workers[-1]


def pin(container: Any, processor: int) -> None:
    """Let it run on one processor only."""
    main = psutil.Process(container.process.pid)
    for process in [main, *main.children(recursive=True)]:
        for thread in process.threads():
            with suppress(ProcessLookupError):  # it has just ended
                os.sched_setaffinity(thread.id, [processor])


def kill(container: Any) -> None:
    """Kill all of it at once, as when its machine is gone."""
    main = psutil.Process(container.process.pid)
    for process in [main, *main.children(recursive=True)]:
        process.send_signal(signal.SIGKILL)


def wait_for_job(session: requests.Session, url: str) -> Any:
    while True:
        job = session.get(url, timeout=30).json()
        if job["state"] in ("succeeded", "failed", "cancelled"):
            return job
        time.sleep(0.5)


def kept(web: Any, texts: list[str]) -> int:
    """How many of these texts are there exactly once."""
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
        for each in (*web, *workers):
            stack.callback(each.kill)
            each.start()
        for each in web:
            each.wait_until_ready()
        key = make_user(web[0], options.memories)
        print("As many processors as there are, for both together:\n")
        measure(web, key, options)
        for processor, each in enumerate(web):
            pin(each, processor)
        print("\nOne processor each, as on machines of their own with one:\n")
        measure(web, key, options)
        print(f"\n{connections(services)}")
        lose_one_of_each(web, workers[:2], workers[2:], key, options.seconds * 2)


if __name__ == "__main__":
    main()
