"""The tables of docs/settings.md name every variable that is read, as it is read."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from configuration.catalog import PROVIDERS
from configuration.defaults import environment_key

ROOT = Path(settings.BASE_DIR)
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \|(.*?)\|(.*?)\|(.+)\|$", re.MULTILINE)

# Reads all settings with readers that tell what they were asked for.
RECORDER = """
import inspect, json
from core import env

read, inside = {}, []

def recording(reader):
    signature = inspect.signature(reader)
    def record(*positional, **named):
        said = signature.bind(*positional, **named)
        said.apply_defaults()
        if not inside:  # readers read by each other
            read[said.arguments.pop("name")] = {"reader": reader.__name__, **said.arguments}
        inside.append(reader)
        try:
            return reader(*positional, **named)
        finally:
            inside.pop()
    return record

for name, reader in list(vars(env).items()):
    if inspect.isfunction(reader) and not name.startswith("_"):
        setattr(env, name, recording(reader))
import openmemory.settings
print(json.dumps(read, default=str))
"""

# What is worked out where the server runs, and how that is said.
WORKED_OUT = {
    "OPENMEMORY_STATE_DIR": "`var`",
    "OPENMEMORY_ALLOWED_HOSTS": "this machine's names, and that of `OPENMEMORY_PUBLIC_URL`",
}
# Programs that read a variable of their own, beside the settings.
OWN_VARIABLES = {
    "core/env.py",  # the readers
    "openmemory/settings/base.py",  # sets one for a library
    "server/worker.py",  # sets the default of one
    "server/bootstrap.py",  # says which settings are Django's
    "server/console.py",  # sets what its options say
    "server/service_managers.py",  # asks where systemd looks for units
    "packaging/openmemory_server/__init__.py",  # sets the default of one
    "scripts/check_wheel.py",  # passes one on to a program
    "scripts/find_wheels.py",  # the same
    "openmemory/wsgi.py",
    "openmemory/celery.py",
    "core/observability/multiprocess.py",  # sets one for a library
    "configuration/providers/http_client.py",  # leaves out what a library takes from one
    "agents/clients.py",  # passes them on to a program
    "mem0/management/commands/import_mem0.py",  # takes the variable of Mem0's own clients
    "clients/python/src/openmemory_client/transport.py",  # runs on the machines of programs
    "plugins/install.py",  # runs on the machines of agents
    "plugins/openmemory_hook.py",
}


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """Every variable that the settings read, with its reader and what that is told."""
    environment = {
        "PATH": os.environ["PATH"],
        "OPENMEMORY_STATE_DIR": str(tmp_path_factory.mktemp("state")),
    }
    command = [sys.executable, "-c", RECORDER]
    said = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(said.stdout)


@pytest.fixture(scope="module")
def rows():
    text = (ROOT / "docs/settings.md").read_text()
    return {name: tuple(map(str.strip, cells)) for name, *cells in ROW.findall(text)}


def shown(value):
    """How a default stands in the table; what is empty is told in words, or not at all."""
    if isinstance(value, bool):
        return f"`{int(value)}`"
    if isinstance(value, int):
        for unit, size in (("GiB", 1024**3), ("MiB", 1024**2)):
            if value >= size and value % size == 0:
                return f"{value // size} {unit}"
    if isinstance(value, list):
        value = ",".join(value)
    return None if value in (None, "") else f"`{value}`"


def taken(said):
    """What a variable takes, None where the meaning says it."""
    if said["reader"] in ("integer", "number"):
        return f"{said['minimum']} to {said['maximum']}"
    if said["reader"] == "boolean":
        return "0 or 1"
    return ", ".join(said["among"]) if "among" in said else None


def row_of(name, read):
    """The row that is missing, to be completed."""
    said = read.get(name, {"reader": "secret"})
    default = WORKED_OUT.get(name) or shown(said.get("default")) or ""
    return f"| `{name}` | {default} | {taken(said) or ''} | … |"


def provider_keys():
    keys = {provider.key_variable for provider in PROVIDERS.values() if provider.key_variable}
    return keys | {environment_key("llm").name, environment_key("embedder").name}


def test_every_variable_that_is_read_has_its_row_and_no_other_has_one(read, rows):
    known = set(read) | provider_keys()

    assert [row_of(name, read) for name in sorted(known - set(rows))] == []
    assert set(rows) - known == set()


def test_every_row_tells_the_default_that_counts(read, rows):
    told = {name: rows[name][0] for name in read if name in rows}
    counts = {
        name: WORKED_OUT.get(name) or shown(said.get("default"))
        for name, said in read.items()
        if name in rows
    }

    wrong = {
        name: (told[name], default)
        for name, default in counts.items()
        if (told[name] != default if default else "`" in told[name])
    }
    assert wrong == {}


def test_every_row_tells_what_is_taken(read, rows):
    told = {name: rows[name][1] for name, said in read.items() if taken(said) and name in rows}

    assert told == {name: taken(read[name]) for name in told}


def test_every_secret_tells_that_it_may_stand_in_a_file(read, rows):
    secrets = {n for n, said in read.items() if said["reader"] in ("secret", "secrets")}

    for name in secrets | provider_keys():
        assert f"`{name}_FILE`" in "".join(rows[name]), name


def test_variables_are_read_in_the_settings_and_nowhere_else():
    sources = [path for path in ROOT.rglob("*.py") if ours(path)]

    reading = {str(path.relative_to(ROOT)) for path in sources if reads_the_environment(path)}

    assert reading - OWN_VARIABLES == set()


def ours(path):
    top = path.relative_to(ROOT).parts[0]
    return top not in {"tests", "benchmarks", "var"} and not top.startswith(".")


def reads_the_environment(path):
    """Whether it uses `os.environ`, or a name imported from `os`. WSGI has an `environ` as well."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "os"
    }
    imported = {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
    }
    return bool((names | imported) & {"environ", "getenv"})
