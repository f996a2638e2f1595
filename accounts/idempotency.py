"""Calls with an idempotency key: one that is made again is answered as it was before.

The answer is stored in the transaction of the change, so that there is one exactly where there is
the other. While that transaction is open it holds a lock, by which others see that the call is
under way; the lock ends with its process. See docs/decisions/0034-idempotency-keys.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min
from django.utils import timezone
from rest_framework.exceptions import Throttled

from core.errors import Conflict, Malformed, Unprocessable
from core.locks import Lock, try_lock_transaction
from core.transactions import begun_by

from .models import ApiKey, KeptAnswer, User
from .models.kept_answer import KEPT_FOR

MAX_KEY_LENGTH = 255
# Of one user, within KEPT_FOR.
MAX_KEPT = 100_000
# Seconds after which a call that is under way is worth another try.
RETRY_AFTER = 1
# How much longer than it promised a call may wait for a job.
MAX_DELAY = timedelta(seconds=15)

# A string of RFC 9651 in quotes, or what its bare token could be without them, such as a UUID.
_QUOTED = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")
_NONCE_BYTES = 12


class InvalidIdempotencyKey(Malformed):
    """The idempotency key is not one to 255 printable ASCII characters, in quotes or bare."""

    code: ClassVar[str] = "idempotency_key_invalid"


class IdempotencyKeyReused(Unprocessable):
    """This idempotency key was used for another request, or by a key with other rights.

    Nothing was done. Send each new request with a new one.
    """

    code = "idempotency_key_reused"


class IdempotencyKeyInUse(Conflict):
    """A request with this idempotency key is under way. Send it again for its answer."""

    code = "idempotency_key_in_use"

    def __init__(self, retry_after: float = RETRY_AFTER) -> None:
        super().__init__()
        self.retry_after = retry_after


class TooManyIdempotencyKeys(Throttled):
    default_detail = f"You have used {MAX_KEPT} idempotency keys within a day."
    extra_detail_singular = "Retry in {wait} second, or leave out the key."
    extra_detail_plural = "Retry in {wait} seconds, or leave out the key."


class Replay(Exception):
    """The call was made before, and this is its answer."""

    def __init__(self, answer: Any, shown: uuid.UUID | None) -> None:
        super().__init__()
        self.answer, self.shown = answer, shown


def parse_key(header: str) -> str:
    """Read an Idempotency-Key header. Raises InvalidIdempotencyKey."""
    text = header.strip(" \t")
    quoted = _QUOTED.fullmatch(text)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text
    if not (quoted or _BARE.fullmatch(text)):
        raise InvalidIdempotencyKey
    return check_key(key)


def check_key(key: str) -> str:
    """Return the key as it is. Raises InvalidIdempotencyKey."""
    is_printable = key.isascii() and key.isprintable() and not key.isspace()
    if not (is_printable and 0 < len(key) <= MAX_KEY_LENGTH):
        raise InvalidIdempotencyKey
    return key


class Attempt:
    """One attempt at a call: `caller` makes it, with an idempotency key, about `subject`."""

    def __init__(self, key: str, *, caller: ApiKey, subject: User, call: Any) -> None:
        """`call` says what is called, and with what: anything that JSON can write."""
        self._user = caller.user
        self._subject = subject
        self._digest = hashlib.sha256(key.encode()).digest()
        secrets = _derive(key, self._user)
        self._cipher = AESGCM(secrets[:32])
        # A key with other rights may not see the answer.
        text = json.dumps([call, caller.app_name, caller.can_read], sort_keys=True)
        self._fingerprint = hmac.digest(secrets[32:], text.encode(), "sha256")
        self._transaction, self._turn = ExitStack(), ExitStack()
        self._has_begun, self._is_published, self._is_kept = False, False, False
        self._depth = 0
        self._refusal: Exception | None = None

    @contextmanager
    def run(self, *, at_once: bool) -> Iterator[None]:
        """Make the attempt in this block, and keep its answer at the end of it.

        Its transaction begins `at_once`, or with the first `change()`. Without an answer, it is
        rolled back. Raises Replay, IdempotencyKeyInUse, IdempotencyKeyReused and
        TooManyIdempotencyKeys, here or where the transaction begins.
        """
        self._depth = len(connection.atomic_blocks)
        with self._turn, begun_by(self._begin), self._transaction:
            self._turn.enter_context(_take_turn(self._user.pk, self._digest))
            if not at_once:
                self._raise_known()
            try:
                if at_once:
                    self._begin()
                yield
            finally:
                if self._is_published and not self._is_kept:
                    self._kept().update(awaited_until=None)
            if self._has_begun and not (self._is_kept or self._is_published):
                transaction.set_rollback(True)

    def keep(self, answer: Any, *, shown: uuid.UUID | None = None) -> None:
        """Keep the answer, which is anything that JSON can write. `shown` is the memory in it."""
        if self._is_published:
            self._replace(answer)
        else:
            self._begin()
            self._insert(answer, shown)
        self._is_kept = True

    def publish(self, answer: Any, *, seconds: int, shown: uuid.UUID | None = None) -> None:
        """Commit the change with an answer that may still be replaced within these seconds.

        It is the final one if this process is killed.
        """
        self._begin()
        until = timezone.now() + timedelta(seconds=seconds) + MAX_DELAY
        self._insert(answer, shown, awaited_until=until)
        self._is_published = True
        self._transaction.close()
        self._turn.close()

    def _begin(self) -> None:
        if self._refusal is not None:
            raise self._refusal  # whoever caught it must not go on without the lock
        if self._has_begun:
            return
        try:
            self._begin_transaction()
        except Exception as error:
            self._refusal = error
            raise

    def _begin_transaction(self) -> None:
        if len(connection.atomic_blocks) != self._depth:
            raise RuntimeError("The transaction of a change must not be within another one.")
        self._transaction.enter_context(transaction.atomic())
        self._has_begun = True
        if not try_lock_transaction(Lock.IDEMPOTENCY, int.from_bytes(self._lock_name())):
            raise IdempotencyKeyInUse
        if self._raise_known():
            self._kept().delete()
        self._require_few()

    def _require_few(self) -> None:
        kept = KeptAnswer.objects.filter(user=self._user)
        if kept[:MAX_KEPT].count() < MAX_KEPT:
            return
        kept.expired().delete()
        oldest = kept.aggregate(number=Count("pk"), since=Min("created_at"))
        if oldest["number"] >= MAX_KEPT:
            wait = (oldest["since"] + KEPT_FOR - timezone.now()).total_seconds()
            raise TooManyIdempotencyKeys(wait=max(1, wait))

    def _raise_known(self) -> bool:
        """Raises Replay and others if there is an answer, and says whether there is an old one."""
        known = self._kept().first()
        if known is None or known.is_expired:
            return known is not None
        if not hmac.compare_digest(known.fingerprint, self._fingerprint):
            raise IdempotencyKeyReused
        if known.awaited_until and known.awaited_until > timezone.now():
            wait = (known.awaited_until - timezone.now()).total_seconds()
            raise IdempotencyKeyInUse(min(wait, RETRY_AFTER))
        raise Replay(self._decrypt(known.answer), known.shown)

    def _insert(self, answer: Any, shown: uuid.UUID | None, **awaited: Any) -> None:
        kept = KeptAnswer(
            user=self._user,
            subject=self._other_subject(),
            digest=self._digest,
            fingerprint=self._fingerprint,
            answer=self._encrypt(answer),
            shown=shown,
            **awaited,
        )
        KeptAnswer.objects.bulk_create([kept])

    def _other_subject(self) -> User | None:
        """Whom the call is about, if not its caller, nor an end user that is not stored."""
        is_other = self._subject != self._user and self._subject.is_stored
        return self._subject if is_other else None

    def _replace(self, answer: Any) -> None:
        """Raises Replay if the former answer has been given to somebody meanwhile."""
        awaited = self._kept().filter(awaited_until__gt=timezone.now())
        if not awaited.update(answer=self._encrypt(answer), awaited_until=None):
            self._raise_known()

    def _kept(self) -> Any:
        return KeptAnswer.objects.filter(user=self._user, digest=self._digest)

    def _lock_name(self) -> bytes:
        return hashlib.sha256(self._user.pk.bytes + self._digest).digest()[:4]

    def _encrypt(self, answer: Any) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(answer).encode(), None)

    def _decrypt(self, token: bytes) -> Any:
        nonce, text = token[:_NONCE_BYTES], token[_NONCE_BYTES:]
        return json.loads(self._cipher.decrypt(bytes(nonce), bytes(text), None))


# The calls under way in this process. The lock of the transaction is what counts; these spare the
# work that precedes it, where many are sent at once.
_turns: set[tuple[uuid.UUID, bytes]] = set()
_turns_changed = threading.Lock()


@contextmanager
def _take_turn(user: uuid.UUID, digest: bytes) -> Iterator[None]:
    """Raises IdempotencyKeyInUse, without waiting."""
    with _turns_changed:
        if (user, digest) in _turns:
            raise IdempotencyKeyInUse
        _turns.add((user, digest))
    try:
        yield
    finally:
        with _turns_changed:
            _turns.discard((user, digest))


def _derive(key: str, user: User) -> bytes:
    """Derive the secrets of a key: neither the database nor the server alone can read an answer."""
    derivation = HKDF(
        algorithm=SHA256(),
        length=64,
        salt=user.pk.bytes,
        info=b"openmemory kept answers " + key.encode(),
    )
    return derivation.derive(settings.SECRET_KEY.encode())
