"""What a server that others reach refuses to be started with, and what it then tells browsers."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.exposure import Exposure, PublicAddress
from tests.deadline import SECONDS

SECRET = "a-secret-of-more-than-fifty-characters-that-nobody-guesses"
HTTPS = PublicAddress.parse("https://memory.example", proxies=1)

SAFE = {
    "host": "0.0.0.0",
    "proxies": 1,
    "public": HTTPS,
    "debug": False,
    "allowed_hosts": ["memory.example"],
    "secret_key": SECRET,
    "secret_is_local": False,
}
RISKS = {
    "debug": {"debug": True},
    "hosts": {"allowed_hosts": ["localhost", "*"]},
    "http": {"public": None},
    "secret": {"secret_is_local": True},
}


def refusal_of(change, allowed=()):
    with pytest.raises(ImproperlyConfigured) as refusal:
        Exposure(**{**SAFE, **change}).ensure_safe(allowed)
    return str(refusal.value)


def test_a_safe_server_that_others_reach_starts():
    Exposure(**SAFE).ensure_safe([])


@pytest.mark.parametrize("risk", RISKS)
def test_a_risk_is_refused_until_it_is_allowed_by_name(risk):
    refusal = refusal_of(RISKS[risk])

    assert refusal.endswith(f"OPENMEMORY_ALLOW_INSECURE={risk}")
    Exposure(**{**SAFE, **RISKS[risk]}).ensure_safe([risk])


def test_all_risks_are_told_at_once_and_only_those_that_are_not_allowed():
    everything = {name: value for change in RISKS.values() for name, value in change.items()}

    assert refusal_of(everything, allowed=["hosts"]).endswith("INSECURE=debug,http,secret")


@pytest.mark.parametrize("secret", ["short", "ab" * 40, "django-insecure-" + SECRET])
def test_a_secret_that_can_be_guessed_is_refused_and_not_told(secret):
    refusal = refusal_of({"secret_key": secret})

    assert "OPENMEMORY_SECRET_KEY is weak" in refusal
    assert secret not in refusal


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_a_server_that_only_programs_of_this_machine_reach_may_be_anything(host):
    everything = {name: value for change in RISKS.values() for name, value in change.items()}

    Exposure(**{**SAFE, **everything, "host": host, "proxies": 0}).ensure_safe([])


@pytest.mark.parametrize(
    "change",
    [
        {"proxies": 1},
        {"host": "0.0.0.0"},
        {"host": "memory.example"},
        {"public": PublicAddress.parse("http://memory.example", proxies=0)},
    ],
)
def test_a_proxy_an_address_or_a_name_of_its_own_makes_it_one_that_others_reach(change):
    local = {"host": "127.0.0.1", "proxies": 0, "public": None}

    assert "plain HTTP" in refusal_of({**local, **change})


def test_a_port_of_a_container_may_be_plain_http_where_it_is_reached_as_localhost():
    local = PublicAddress.parse("http://localhost:8000", proxies=0)

    Exposure(**{**SAFE, "proxies": 0, "public": local}).ensure_safe([])


@pytest.mark.parametrize(
    ("url", "host", "origin"),
    [
        ("https://memory.example", "memory.example", "https://memory.example"),
        ("https://Memory.Example:8443/", "memory.example", "https://memory.example:8443"),
        ("http://[2001:db8::1]:8000", "[2001:db8::1]", "http://[2001:db8::1]:8000"),
    ],
)
def test_a_public_address_has_a_host_and_an_origin(url, host, origin):
    public = PublicAddress.parse(url, proxies=1)

    assert (public.host, public.origin) == (host, origin)


@pytest.mark.parametrize(
    "url",
    [
        "memory.example",
        "ftp://memory.example",
        "https://",
        "https://memory.example/memories",
        "https://user:secret@memory.example",
        "https://memory.example?a=b",
        "https://memory.example:port",
        "https://[memory",
    ],
)
def test_what_is_no_public_address_stops_the_start_without_being_told(url):
    with pytest.raises(ImproperlyConfigured, match="is not a URL such as") as refusal:
        PublicAddress.parse(url, proxies=1)

    assert "secret" not in str(refusal.value)


def test_https_needs_a_proxy_that_speaks_it():
    with pytest.raises(ImproperlyConfigured, match="OPENMEMORY_TRUSTED_PROXIES"):
        PublicAddress.parse("https://memory.example", proxies=0)


@pytest.fixture
def run(tmp_path):
    """Run a program of the server with settings of a test's own, in which others reach it."""

    def run(*program, **environment):
        return subprocess.run(
            [sys.executable, *program],
            cwd=settings.BASE_DIR,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "openmemory.settings",
                "OPENMEMORY_STATE_DIR": str(tmp_path),
                "HOST": "0.0.0.0",
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    return run


@pytest.mark.parametrize(
    "program",
    [
        ("manage.py", "run"),
        ("-m", "server.all_in_one"),
        ("-m", "server.web"),
        ("-m", "server.worker", "quick"),
        ("-m", "server.worker", "long"),
    ],
)
def test_every_program_says_in_sentences_why_it_does_not_start(run, program):
    ended = run(*program)

    assert ended.returncode == 1
    assert ended.stderr.startswith("Invalid settings: the server is reachable from other machines")
    assert "Traceback" not in ended.stderr


def test_an_unknown_risk_is_not_allowed(run):
    ended = run("manage.py", "check", OPENMEMORY_ALLOW_INSECURE="http,everything")

    assert "'everything' is not one of debug, hosts, http, secret" in ended.stderr


BEHIND_HTTPS = {
    "OPENMEMORY_PUBLIC_URL": "https://memory.example",
    "OPENMEMORY_TRUSTED_PROXIES": "1",
}


def test_django_has_nothing_against_a_server_behind_https(run):
    ended = run("manage.py", "check", "--deploy", **BEHIND_HTTPS)

    assert "no issues" in ended.stdout
    assert re.findall(r"\b\w+\.[WE]\d+\b", ended.stderr) == []


def answers_of(run, headers, **environment):
    """What a page answers to a request with these headers, as Django would see it."""
    script = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        f"answer = Client(headers={headers!r}).get('/docs')\n"
        "print(answer.status_code, answer.headers.get('Strict-Transport-Security'))\n"
    )
    ended = run("-c", script, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()[-1].split()  # after what is logged


def test_browsers_are_bound_to_https_once_a_proxy_says_that_it_is_spoken(run):
    spoken = {"Host": "memory.example", "X-Forwarded-Proto": "https"}

    assert answers_of(run, spoken, **BEHIND_HTTPS) == ["200", "max-age=2592000"]
    assert answers_of(run, {"Host": "memory.example"}, **BEHIND_HTTPS) == ["200", "None"]
    assert answers_of(run, {"Host": "other.example"}, **BEHIND_HTTPS)[0] == "400"


def test_nobody_is_believed_what_is_spoken_without_a_proxy_of_ours(run):
    local = {"OPENMEMORY_PUBLIC_URL": "http://localhost:8000"}
    spoken = {"Host": "localhost:8000", "X-Forwarded-Proto": "https"}

    assert answers_of(run, spoken, **local) == ["200", "None"]
