"""Send HTTP to an address that somebody else has named: to the internet, and nowhere else.

A name is looked up once, all its addresses are checked, and the connection goes to one of these. No
redirect is followed, no proxy is asked, and a deadline holds for all of it.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import httpx2

from core.forbidden_addresses import is_forbidden
from core.ip_addresses import Address, is_public, parse_host

SECONDS = 10.0
# Of the addresses of a name, how many are tried.
MAX_TRIED = 4

_PORTS = {"https": 443, "http": 80}
# A name, or an address of either kind.
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


class DestinationRefused(Exception):
    """The address is not one of the internet."""


class DestinationUnreachable(Exception):
    """The address does not answer."""


class UnknownHost(DestinationUnreachable):
    """The name of the host is not known."""


class DeadlinePassed(DestinationUnreachable):
    """It took too long."""


class UntrustedCertificate(DestinationUnreachable):
    """The certificate of the host is not valid."""


@dataclass(frozen=True)
class Policy:
    """What may be reached. `private` lists hosts, or hosts with a port, that may be anywhere.

    `setting` is the name of that list, for those who are refused.
    """

    setting: str
    private: Collection[str]
    schemes: Collection[str] = ("https", "http")
    # Any port if empty, on the internet.
    ports: Collection[int] = ()

    def lists(self, target: Target) -> bool:
        return not {target.name, f"{target.name}:{target.port}"}.isdisjoint(self.private)


@dataclass(frozen=True)
class Target:
    """A URL, as it is sent: encoded, by the one parser that decides where it leads."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, url: str, policy: Policy) -> Target:
        """Raises DestinationRefused."""
        try:
            parts = httpx2.URL(url)
            host = parts.raw_host.decode("ascii")
        except (httpx2.InvalidURL, ValueError):
            raise DestinationRefused("This is not a URL.") from None
        if parts.scheme not in policy.schemes or not host or parts.userinfo:
            schemes = " or ".join(f"{scheme}://" for scheme in policy.schemes)
            raise DestinationRefused(f"Send a URL that begins with {schemes}, without a user.")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        if not 0 < port < 2**16 or not _HOST.fullmatch(host):
            raise DestinationRefused("This is not a URL: its host or port is none.")
        return cls(parts.scheme, host, port, parts.raw_path.decode("ascii"))

    @property
    def name(self) -> str:
        return self.host.strip("[]").rstrip(".").lower()


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes  # at most one byte more than was asked for


def check_url(url: str, policy: Policy) -> None:
    """Raises DestinationRefused for a URL that is never sent to. A name is not looked up."""
    _read_url(url, policy)


def send(
    method: str,
    url: str,
    policy: Policy,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    max_bytes: int = 0,
) -> Answer:
    """Send a request, and read at most one byte more than `max_bytes` of the answer.

    Raises DestinationRefused and DestinationUnreachable.
    """
    target = _read_url(url, policy)
    try:
        with _connect(target, policy, seconds) as connection:
            sent = {"User-Agent": "openmemory", "Connection": "close", **(headers or {})}
            connection.request(method, target.path, body, sent)
            with connection.getresponse() as response:
                content = response.read(max_bytes + 1) if max_bytes else b""
                return Answer(response.status, content)
    except ssl.SSLCertVerificationError as error:
        raise UntrustedCertificate(error.verify_message) from error
    except TimeoutError as error:
        raise DeadlinePassed("it took too long") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DestinationUnreachable(f"{type(error).__name__}: {error}") from error


def _read_url(url: str, policy: Policy) -> Target:
    target = Target.parse(url, policy)
    address = parse_host(target.host)
    if address is not None:
        _check_address(address, target, policy)
    elif target.name == "localhost" and not policy.lists(target):
        raise _private(target, policy)
    return target


@contextmanager
def _connect(
    target: Target, policy: Policy, seconds: float
) -> Iterator[http.client.HTTPConnection]:
    """Connect to what was checked. Raises TimeoutError when the time is over."""
    give_up = time.monotonic() + seconds
    addresses = _resolve(target, policy, seconds)
    plain = _open_socket(addresses, target.port, give_up)
    deadline = _Deadline(plain, give_up)
    connection = http.client.HTTPConnection(target.name, target.port)
    connection.default_port = _PORTS[target.scheme]  # which the Host header leaves out
    try:
        connection.sock = deadline.socket
        if target.scheme == "https":
            connection.sock = deadline.secure(target.name)
        yield connection
    except (OSError, http.client.HTTPException) as error:
        raise (TimeoutError if deadline.has_passed else error) from error
    finally:
        connection.close()
        deadline.end()
    if deadline.has_passed:
        raise TimeoutError


class _Deadline:
    """Cuts a connection off: the time-out of a socket is for each call, and drips would go on."""

    def __init__(self, connected: socket.socket, give_up: float) -> None:
        self.socket = connected
        self.has_passed = False
        self._timer = threading.Timer(max(0.0, give_up - time.monotonic()), self._cut_off)
        self._timer.daemon = True
        self._timer.start()

    def secure(self, host: str) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        secure = context.wrap_socket(
            self.socket, server_hostname=host, do_handshake_on_connect=False
        )
        self.socket = secure
        secure.do_handshake()
        return secure

    def _cut_off(self) -> None:
        self.has_passed = True
        with suppress(OSError):
            # The plain socket's: that of TLS would take apart what another thread reads from.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def end(self) -> None:
        self._timer.cancel()
        self.socket.close()


def _open_socket(addresses: list[str], port: int, give_up: float) -> socket.socket:
    failure: OSError = TimeoutError()
    for address in addresses[:MAX_TRIED]:
        left = give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_STREAM)
        try:
            connected.settimeout(left)
            connected.connect((address, port))
        except OSError as error:
            connected.close()
            failure = error
        else:
            return connected
    raise failure


def _resolve(target: Target, policy: Policy, seconds: float) -> list[str]:
    """The addresses of a host, all of which were checked: it cannot name another one later."""
    literal = parse_host(target.host)
    found = [str(literal)] if literal is not None else _look_up(target, seconds)
    for each in found:
        address = parse_host(each)
        if address is None:
            raise DestinationRefused(f"{target.host} leads to no address.")
        _check_address(address, target, policy)
    if policy.ports and target.port not in policy.ports and not policy.lists(target):
        raise _private(target, policy, what="another port than it should")
    return found


def _look_up(target: Target, seconds: float) -> list[str]:
    """In a thread that is given up, as nothing else ends the lookup of a name."""
    found: list[str] = []
    done = threading.Event()

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            results = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(str(peer[0]) for *_, peer in results))
        done.set()

    threading.Thread(target=look_up, daemon=True).start()
    if not done.wait(seconds):
        raise TimeoutError
    if not found:
        raise UnknownHost(f"{target.host} cannot be looked up.")
    return found


def _check_address(address: Address, target: Target, policy: Policy) -> None:
    if is_forbidden(address):
        raise DestinationRefused(f"{target.host} leads to a link-local address, or one of a cloud.")
    if not is_public(address) and not policy.lists(target):
        raise _private(target, policy)


def _private(
    target: Target, policy: Policy, *, what: str = "a private address"
) -> DestinationRefused:
    return DestinationRefused(
        f"{target.host} leads to {what}. The operator can allow it with {policy.setting}."
    )
