"""What docker/ starts, started: the commands and settings of its files, in plain processes.

They run as an account that may write into folders of its own and nowhere else, against a
PostgreSQL and a Valkey on TCP, with their secrets in files.
"""

import os
import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis
import requests

from tests.deadline import SECONDS, eventually
from tests.free_ports import free_port

from .containers import Container, Web, shared_folders
from .files import EMBEDDED, compose, image_environment, manifests
from .services import running


@pytest.fixture(scope="module")
def services():
    folder = Path(tempfile.mkdtemp(prefix="om-"))
    folder.chmod(0o755)
    try:
        with running(folder) as services:
            shared_folders(services)
            migrating = Container("migrate", services).start()
            assert migrating.wait() == 0, services.log()
            yield services
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def container(services):
    """Start containers of services, and end those that a test left."""
    started = []

    def start(name, **changes):
        kind = Web if name == "web" else Container
        started.append(kind(name, services, **changes).start())
        return started[-1]

    yield start
    for each in started:
        each.kill()


def test_everything_starts_is_well_works_together_and_stops_in_time(container):
    web, quick, long, beat = map(container, ("web", "worker-quick", "worker-long", "beat"))
    web.wait_until_ready()
    make_key = ["create_api_key", "ops", "--create-user", "--operator"]
    making = web.execute("python", "manage.py", *make_key)
    assert making.returncode == 0, making.stderr
    web.key = making.stdout.split()[-1]

    for each in (web, quick, long, beat):
        assert eventually(each.is_well), each.services.log()
    assert web.call("POST", "/memories", json={"text": "Ada lives in Porto"}).status_code == 200
    beside = {"Host": "web:8000", "Authorization": f"Bearer {web.key}"}
    assert requests.get(f"{web.url}/metrics", headers=beside, timeout=SECONDS).status_code == 200
    found = web.call("POST", "/memories/search", json={"query": "Where does Ada live?"})
    assert found.json()["results"][0]["text"] == "Ada lives in Porto"
    exported = web.call("POST", "/backup/export", json={"user_id": "ops"})
    assert exported.status_code in (200, 202), exported.text

    assert [each.stop() for each in (beat, quick, long, web)] == [0, 0, 0, 0]


def test_beat_sends_what_is_to_be_done_where_no_worker_does(container, services):
    with redis.Redis.from_url(services.redis_url) as broker:
        queue = "openmemory:openmemory.quick"
        broker.delete(queue)
        beat = container("beat", OPENMEMORY_JOBS_SWEEP_SECONDS="1")

        assert eventually(lambda: broker.llen(queue) > 0), services.log()
        assert beat.stop() == 0
        broker.delete(queue)


def test_commands_work_in_a_pod_whose_folder_belongs_to_the_cluster(services):
    """An empty volume of Kubernetes is root's, and open to the group of the pod."""
    if services.account is None:
        pytest.skip("only root can make a folder of another user's")
    pod = Container("migrate", services)
    os.chown(pod.state, 0, services.account.gid)
    pod.state.chmod(0o2777)

    for command in ("migrate --no-input", "doctor software", "doctor machine.server"):
        pod.said = {"command": ["python", "manage.py", *command.split()]}
        assert pod.start().wait() == 0, services.log()
    assert pod.execute("python", "manage.py", "doctor", "machine.permissions").returncode == 0


def test_a_server_is_not_ready_before_its_database_is_migrated(container, services):
    last = "WHERE id = (SELECT max(id) FROM django_migrations)"
    with psycopg.connect(services.database_url, autocommit=True) as connection:
        undone = connection.execute(f"DELETE FROM django_migrations {last} RETURNING *").fetchone()
        web = container("web")
        assert eventually(lambda: "migrate" in ready(web).get("migrations", ""))

        connection.execute("INSERT INTO django_migrations VALUES (%s, %s, %s, %s)", undone)

    web.wait_until_ready()
    assert ready(web)["migrations"] == "ok"


def ready(web):
    """What each of its checks says, nothing as long as it does not answer."""
    try:
        return requests.get(f"{web.url}/health/ready", timeout=SECONDS).json()["checks"]
    except requests.ConnectionError:
        return {}


def test_the_server_runs_with_what_the_config_map_of_kubernetes_says(services):
    config = next(m for m in manifests() if m["kind"] == "ConfigMap")["data"]
    web = Container("web", services)
    said = {
        name: value.replace("/run/secrets/openmemory", str(services.secrets))
        for name, value in config.items()
    }
    web.environment |= said

    checked = web.execute("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING")

    assert checked.returncode == 0, checked.stderr


def test_secrets_are_made_once(services):
    before = {path.name: path.read_bytes() for path in services.secrets.iterdir()}

    services.make_secrets()

    assert {path.name: path.read_bytes() for path in services.secrets.iterdir()} == before
    assert services.secrets.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in services.secrets.iterdir()} == {0o444}
    mounted = compose()["secrets"].values()
    assert {Path(each["file"]).name for each in mounted} <= set(before)
    assert len(services.secret("secret_key")) >= 50


def test_the_role_of_the_server_is_no_superuser(services):
    with psycopg.connect(services.database_url) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert row.fetchone() == (False,)


def test_everything_runs_in_one_container(services):
    said = compose(EMBEDDED)["services"]["openmemory"]
    folder, port = services.own("all"), free_port()
    environment = {
        **image_environment(),
        **said["environment"],
        "PATH": "/usr/bin:/bin",
        "PORT": str(port),
        "OPENMEMORY_STATE_DIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "openmemory.settings",
    }
    one = Web("web", services)
    one.environment, one.port = {name: str(value) for name, value in environment.items()}, port
    one.said = {**one.said, **said, "command": ["python", "manage.py", "run"]}

    one.start()
    try:
        one.wait_until_ready()
        one.key = (folder / "api_key").read_text()
        assert one.is_well()
        assert one.call("POST", "/memories", json={"text": "All in one"}).status_code == 200
        assert one.stop() == 0
    finally:
        one.kill()
