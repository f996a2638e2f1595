"""The protocol's own conformance suite, in both ways of connecting that it knows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from tests.agents.agent import BEFORE, TODAY
from tests.deadline import SECONDS
from tests.free_ports import free_port
from tests.oauth.person import Person

PROGRAMS = Path(__file__).parent / "conformance"
SUITE = "node_modules/@modelcontextprotocol/conformance/dist/index.js"

# What the suite asks for that this server does not have, by the reason. A scenario in this table
# that passes is an error as well: its row is out of date.
NOT_APPLICABLE = {
    "It calls a tool of the suite's example server.": {
        "tools-call-image", "tools-call-audio", "tools-call-embedded-resource",
        "tools-call-mixed-content", "tools-call-with-logging", "tools-call-with-progress",
        "tools-call-sampling", "tools-call-elicitation", "json-schema-2020-12",
        "elicitation-sep1034-defaults", "elicitation-sep1330-enums",
        "input-required-result-basic-elicitation", "input-required-result-basic-sampling",
        "input-required-result-basic-list-roots", "input-required-result-request-state",
        "input-required-result-multiple-input-requests", "input-required-result-multi-round",
        "input-required-result-result-type", "input-required-result-tampered-state",
        "input-required-result-capability-check",
    },
    "It gets a prompt of the suite's example server.": {
        "prompts-get-simple", "prompts-get-with-args", "prompts-get-embedded-resource",
        "prompts-get-with-image", "input-required-result-non-tool-request",
    },
    "It reads a resource of the suite's example server.": {
        "resources-read-text", "resources-read-binary", "resources-templates-read",
    },
    "It uses a capability that this server does not declare.": {
        "completion-complete", "logging-set-level", "resources-subscribe", "resources-unsubscribe",
    },
    "No tool of this server takes an argument from a header.": {
        "http-custom-header-server-validation",
    },
}  # fmt: skip

# In other scenarios, the checks that need a tool of the suite's example server.
NEED_ITS_TOOLS = {
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
}

# Its scenarios called `auth/…`, of which each is about clients. This server is none.
ABOUT_CLIENTS = """
    metadata-default metadata-var1 metadata-var2 metadata-var3 metadata-issuer-mismatch basic-cimd
    scope-from-www-authenticate scope-from-scopes-supported scope-omitted-when-undefined
    scope-step-up scope-retry-limit token-endpoint-auth-basic token-endpoint-auth-post
    token-endpoint-auth-none pre-registration 2025-03-26-oauth-metadata-backcompat
    2025-03-26-oauth-endpoint-fallback resource-mismatch offline-access-scope
    offline-access-not-supported authorization-server-migration iss-supported iss-not-advertised
    iss-supported-missing iss-wrong-issuer iss-unexpected iss-normalized client-credentials-jwt
    client-credentials-basic enterprise-managed-authorization dpop dpop-nonce wif-jwt-bearer
"""


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    """A folder in which the suite is installed, with the Node that it needs."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("There is no Node on this machine: the conformance suite is not run.")
    folder = tmp_path_factory.mktemp("conformance")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        pytest.skip("npm could not install the conformance suite in time.")
    if done.returncode != 0 or not (folder / "node_modules/.bin/node").exists():
        pytest.skip(f"npm could not install the conformance suite: {done.stderr[-300:]}")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("version", [BEFORE, TODAY])
def test_the_server_conforms_wherever_the_suite_applies(version, suite, shared_server):
    failed, passed = run(suite, shared_server, version)

    not_applicable = set().union(*NOT_APPLICABLE.values())
    assert {name: checks for name, checks in failed.items() if name not in not_applicable} == {}
    assert {"tools-list", "resources-list", "prompts-list", "dns-rebinding-protection"} <= passed
    assert passed & not_applicable == set()


@pytest.mark.slow
def test_the_authorization_server_conforms(suite, shared_server):
    port = free_port()
    callback = f"http://127.0.0.1:{port}/callback"
    body = {"redirect_uris": [callback], "token_endpoint_auth_method": "none"}
    registered = requests.post(f"{shared_server.url}/oauth/register", json=body, timeout=SECONDS)
    asked = ["--url", shared_server.url, "--resource", f"{shared_server.url}/mcp"]
    asked += ["--client-id", registered.json()["client_id"], "--port", str(port)]
    suite_program = ["node_modules/.bin/node", SUITE]
    program = [*suite_program, "authorization", *asked, "-o", "authorization"]
    listed = subprocess.run([*suite_program, "list"], cwd=suite, capture_output=True, text=True)
    link = shared_server.output_of("sign_in_link", "default_user")
    person = Person(shared_server.url, link)

    with subprocess.Popen(program, cwd=suite, stdout=subprocess.PIPE, text=True) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(f"{shared_server.url}/oauth/authorize?"):
                requests.get(person.allow(line.strip(), app="suite"), timeout=SECONDS)

    files = (suite / "authorization").rglob("checks.json")
    checks = {each["id"]: each for file in files for each in json.loads(file.read_text())}
    assert {
        name: check.get("errorMessage")
        for name, check in checks.items()
        if check["status"] != "SUCCESS"
    } == {}, "".join(said)
    assert {"authorization-server-metadata", "authorization-code-grant"} <= checks.keys()
    about_servers = listed.stdout.partition("Authorization server scenarios")[2]
    assert re.findall(r"- (\S+)", about_servers) == [
        "authorization-server-metadata-endpoint", "authorization-code-grant",
    ]  # fmt: skip
    assert set(re.findall(r"auth/(\S+)", listed.stdout)) == set(ABOUT_CLIENTS.split())


def run(suite, server, version):
    """Return the checks that failed, by scenario, and the scenarios in which none did."""
    results = suite / version
    program = ["node_modules/.bin/node", "--import", "./authorise.mjs"]
    program += [SUITE, "server"]
    asked = ["--url", f"{server.url}/mcp", "--suite", "all", "--spec-version", version]
    done = subprocess.run(
        [*program, *asked, "-o", str(results)],
        cwd=suite,
        env={**os.environ, "API_KEY": server.key},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert "=== SUMMARY ===" in done.stdout, done.stderr[-2000:]
    failed, passed = {}, set()
    for file in sorted(results.glob("*/checks.json")):
        name = re.fullmatch(r"server-(.+?)-\d{4}-\d\d-\d\dT.+", file.parent.name)[1]
        failures = failures_of(json.loads(file.read_text()))
        if failures:
            failed[name] = failures
        else:
            passed.add(name)
    return failed, passed


def failures_of(checks):
    return [
        f"{check['id']}: {check.get('errorMessage')}"
        for check in checks
        if check["status"] == "FAILURE" and check["id"] not in NEED_ITS_TOOLS
    ]
