import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from core.legacy_clients import allow_legacy_clients
from tests.deadline import SECONDS

pytestmark = pytest.mark.slow


LOCAL = {"host": "127.0.0.1", "allowed_hosts": ["localhost", "127.0.0.1"], "proxies": 0}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_on_loopback_it_can_be_on(host):
    assert allow_legacy_clients("1", **{**LOCAL, "host": host}) is True
    assert allow_legacy_clients("0", **{**LOCAL, "host": host}) is False


OPEN = [
    ({"host": "0.0.0.0"}, "HOST=0.0.0.0"),
    ({"host": "::"}, "HOST=::"),
    ({"host": "192.0.2.1"}, "HOST=192.0.2.1"),
    ({"host": "memory.example"}, "HOST=memory.example"),
    ({"proxies": 1}, "OPENMEMORY_TRUSTED_PROXIES"),
    ({"allowed_hosts": ["localhost", "*"]}, "OPENMEMORY_ALLOWED_HOSTS"),
    ({"allowed_hosts": [".example"]}, "OPENMEMORY_ALLOWED_HOSTS"),
]


@pytest.mark.parametrize(("change", "named"), OPEN)
def test_where_others_could_call_it_is_refused_unless_forced(change, named):
    with pytest.raises(ImproperlyConfigured, match="set it to force") as refusal:
        allow_legacy_clients("1", **{**LOCAL, **change})

    assert named in str(refusal.value)
    assert allow_legacy_clients("force", **{**LOCAL, **change}) is True
    assert allow_legacy_clients("0", **{**LOCAL, **change}) is False


@pytest.mark.parametrize(
    "environment",
    [
        {"OPENMEMORY_LEGACY_CLIENTS": "1", "HOST": "0.0.0.0"},
        {"OPENMEMORY_LEGACY_CLIENTS": "maybe"},
        {"OPENMEMORY_RATE_READS": "often"},
    ],
)
def test_the_server_does_not_start_and_says_why_in_one_line(environment, tmp_path):
    ended = subprocess.run(
        [sys.executable, "manage.py", "run"],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "openmemory.settings",
            "OPENMEMORY_STATE_DIR": str(tmp_path),
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Invalid settings: ")
    assert next(iter(environment)) in line


def test_the_pages_that_may_call_are_the_originals_own_unless_others_are_named():
    def origins(**environment):
        code = "from openmemory import settings; print(settings.CORS_ALLOWED_ORIGINS)"
        given = {**os.environ, **environment}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=settings.BASE_DIR,
            env=given,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
        ).stdout.strip()

    on = {"OPENMEMORY_LEGACY_CLIENTS": "1", "CORS_ALLOWED_ORIGINS": ""}
    assert origins(**on) == "['http://localhost:3000', 'http://127.0.0.1:3000']"
    assert origins(**{**on, "CORS_ALLOWED_ORIGINS": "http://a.example"}) == "['http://a.example']"
    assert origins(**{**on, "OPENMEMORY_LEGACY_CLIENTS": "0"}) == "[]"
