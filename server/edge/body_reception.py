"""Decide whether a body is received, and how: at once, patiently, or while it is read."""

from __future__ import annotations

import asyncio
import io
from contextlib import AsyncExitStack, suppress

from django.conf import settings
from django.urls import Resolver404, resolve

from core.api.exception_handler import (
    SLOW_BODY,
    TOO_MANY_BODIES,
    TOO_MANY_UPLOADS,
    body_too_large,
    is_api_path,
)

from . import limits
from .key_checks import KeyChecks
from .request_body import BodyTooLarge, Receive, ReceivedBody, RequestBody, UploadStream
from .request_head import RequestHead
from .slots import Displaced, Slots


class BodyReception:
    """Receives a body only for a request that may be answered with it."""

    def __init__(self, keys: KeyChecks) -> None:
        self._keys = keys
        # Bodies without a key take places from each other only.
        self._anonymous = Slots(limits.BODIES, limits.BODIES_PER_ADDRESS)
        self._keyed = Slots(limits.BODIES, limits.BODIES_PER_ADDRESS)
        self._uploads = Slots(limits.UPLOADS, limits.UPLOADS_PER_ADDRESS)

    async def receive(
        self, head: RequestHead, receive: Receive, resources: AsyncExitStack
    ) -> RequestBody:
        """Return the body, whose files and place the resources hold. Raises ClientGone."""
        if head.length == 0:
            return RequestBody(io.BytesIO(), None)
        limit = _find_limit(head)
        if (head.length or 0) > limit:
            return RequestBody.unread(head, body_too_large(limit))
        body = ReceivedBody()
        resources.enter_context(body.file)
        if not head.expects_continue:
            await _receive_promptly(body, receive)
        if body.is_complete:
            return body.as_body()
        if _needs_key(head):
            problem = await self._keys.find_problem(head.environ.get("HTTP_AUTHORIZATION", ""))
            if problem:
                return RequestBody.unread(head, problem)
        if limit > settings.MAX_BODY_BYTES:
            return await self._open_upload(body, head, receive, resources)
        return await self._receive_patiently(body, head, receive, limit)

    async def _open_upload(
        self, body: ReceivedBody, head: RequestHead, receive: Receive, resources: AsyncExitStack
    ) -> RequestBody:
        if not self._uploads.has_room(head.address):
            return RequestBody.unread(head, TOO_MANY_UPLOADS)
        await resources.enter_async_context(self._uploads.hold(head.address))
        return UploadStream(body, receive).as_body(head.length)

    async def _receive_patiently(
        self, body: ReceivedBody, head: RequestHead, receive: Receive, limit: int
    ) -> RequestBody:
        slots = self._keyed if _needs_key(head) else self._anonymous
        try:
            async with slots.hold(head.address) as slot:
                await body.receive_rest(receive, slot, limit=limit)
        except BodyTooLarge:
            return RequestBody.unread(head, body_too_large(limit))
        except Displaced:
            return RequestBody.unread(head, TOO_MANY_BODIES)
        except TimeoutError:
            return RequestBody.unread(head, SLOW_BODY)
        return body.as_body()


async def _receive_promptly(body: ReceivedBody, receive: Receive) -> None:
    """Receive what arrives together with the head, or right behind it."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limits.BODY_PROMPT_SECONDS):
            while not body.is_complete and body.length <= limits.BODY_MEMORY_BYTES:
                await body.receive_part(receive)


def _needs_key(head: RequestHead) -> bool:
    is_legacy = settings.LEGACY_CLIENTS and "HTTP_AUTHORIZATION" not in head.environ
    return is_api_path(head.path) and not is_legacy


def _find_limit(head: RequestHead) -> int:
    """Return the limit of the view. Only those of uploads differ from the common one."""
    default: int = settings.MAX_BODY_BYTES
    if head.length is not None and head.length <= default:
        return default
    for path in (head.path, head.path.removesuffix("/")):
        with suppress(Resolver404):
            view = getattr(resolve(path).func, "cls", None)
            return int(getattr(view, "max_body_bytes", default))
    return default
