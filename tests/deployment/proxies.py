"""The configurations of docker/proxies/, adapted to a folder and ports of a test's own."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.deadline import SECONDS, eventually
from tests.free_ports import free_port
from tests.server.processes import Server

from .files import DOCKER

NAME = "memory.example.org"
PROXIES = {
    "nginx": "nginx.conf",
    "caddy": "Caddyfile",
    "haproxy": "haproxy.cfg",
    "apache2": "apache.conf",
}
APACHE_MODULES = [
    "mpm_event", "authz_core", "headers", "proxy", "proxy_http", "reqtimeout", "socache_shmcb",
    "ssl",
]  # fmt: skip
# Debian keeps programs of root out of the path of others.
PATH = f"{os.environ['PATH']}:/usr/sbin"


class Proxy:
    """A proxy with HTTPS in front of a server."""

    def __init__(self, program: str, server: Server, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.port = free_port()
        self.certificate = folder / "certificate.pem"
        _make_certificate(self.certificate, folder / "key.pem")
        text = (DOCKER / "proxies" / PROXIES[program]).read_text()
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        self._command = getattr(self, f"_prepare_{program}")(text)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [shutil.which(self._command[0], path=PATH), *self._command[1:]],
                env={**os.environ, "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert eventually(lambda: process.poll() is not None or self._listens())
        assert process.poll() is None, (self.folder / "log").read_text()
        return process

    def call(self, method: str, path: str, **options: object) -> requests.Response:
        headers = {"Host": NAME, **options.pop("headers", {})}  # type: ignore[dict-item]
        return requests.request(
            method,
            f"{self.url}{path}",
            headers=headers,
            verify=str(self.certificate),
            timeout=SECONDS,
            **options,
        )

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate))
        client = socket.create_connection(("127.0.0.1", self.port), timeout=SECONDS)
        return context.wrap_socket(client, server_hostname=NAME)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def _secure(self, text: str) -> str:
        text = text.replace(f"/etc/ssl/{NAME}.pem", str(self.certificate))
        return text.replace(f"/etc/ssl/{NAME}.key", str(self.folder / "key.pem"))

    def _write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def _prepare_nginx(self, text: str) -> list[str]:
        site = self._write(
            "site.conf", self._secure(text).replace("listen 443", f"listen {self.port}")
        )
        temporary = "\n".join(
            f"{kind}_temp_path {self.folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;\n" if os.getuid() == 0 else ""
        whole = (
            f"{user}daemon off;\npid {self.folder}/pid;\nerror_log stderr;\nevents {{}}\n"
            f"http {{\naccess_log off;\n{temporary}\ninclude {site};\n}}\n"
        )
        return ["nginx", "-c", self._write("nginx.conf", whole), "-p", str(self.folder)]

    def _prepare_caddy(self, text: str) -> list[str]:
        tls = f"\ttls {self.certificate} {self.folder / 'key.pem'}\n"
        site = text.replace(f"{NAME} {{\n", f"https://{NAME}:{self.port} {{\n{tls}")
        options = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n"
        caddyfile = self._write("Caddyfile", options + site)
        return ["caddy", "run", "--adapter", "caddyfile", "--config", caddyfile]

    def _prepare_haproxy(self, text: str) -> list[str]:
        both = self.certificate.read_text() + (self.folder / "key.pem").read_text()
        joined = self._write("both.pem", both)
        text = text.replace(f"/etc/ssl/{NAME}.pem", joined)
        text = text.replace("bind :443", f"bind 127.0.0.1:{self.port}")
        return ["haproxy", "-db", "-f", self._write("haproxy.cfg", text)]

    def _prepare_apache2(self, text: str) -> list[str]:
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in APACHE_MODULES
        )
        site = self._secure(text).replace("*:443", f"*:{self.port}")
        whole = (
            f"{modules}\nServerRoot {self.folder}\nPidFile {self.folder}/pid\n"
            "ErrorLog /dev/stderr\n"
            f"DefaultRuntimeDir {self.folder}\nServerName localhost\nListen 127.0.0.1:{self.port}\n"
            f"{site}"
        )
        return ["apache2", "-D", "FOREGROUND", "-f", self._write("apache.conf", whole)]


def skip_without(program: str) -> None:
    if shutil.which(program, path=PATH) is None:
        pytest.skip(f"{program} is not installed. On Debian: apt-get install {program}")


def _make_certificate(certificate: Path, key_file: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(NAME), x509.DNSName("localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
