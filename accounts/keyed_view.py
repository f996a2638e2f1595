from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, QueryDict
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from core.api.safe_actions import is_safe_request
from core.api.views import StrictView

from .authentication import AuthenticatedRequest
from .idempotency import Attempt, Replay, parse_key
from .models import User

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

# The headers of an answer that depend on what was done. Others depend on the request.
KEPT_HEADERS = ("Content-Type", "ETag", "Location")

Handler = Callable[..., HttpResponse]


class KeyedView(StrictView):
    """Does once what is requested several times with the same `Idempotency-Key`.

    The transaction begins before the handler, and ends when its answer is rendered and stored. An
    error is not kept: nothing has been done, so that the request may be repeated. Neither is a
    file, which only tells what there is.
    """

    # Actions that call a model before their change, outside of the transaction. Their changes
    # begin it: see core.transactions.
    slow_actions: ClassVar[Collection[str]] = ()
    # Of the `safe_actions`, those that may change something.
    keyed_actions: ClassVar[Collection[str]] = ()

    # The memory that the answer shows, if it shows one that only its readers may see.
    shown_memory: uuid.UUID | None = None

    request: AuthenticatedRequest

    _attempt: Attempt | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        header = request.headers.get(HEADER)
        if header is None or request.method in SAFE_METHODS:
            return
        key = parse_key(header)
        method = str(request.method).lower()
        if self.takes_idempotency_key(method=str(request.method)) and hasattr(self, method):
            setattr(self, method, partial(self._do_once, key, getattr(self, method)))

    def takes_idempotency_key(self, *, method: str) -> bool:
        """Whether an answer to this operation is kept."""
        action = getattr(self, "action", None)
        return action in self.keyed_actions or not is_safe_request(
            self, method=method, action=action
        )

    def check_replay(self, shown: uuid.UUID | None) -> None:
        """Raises what the request would be refused with today, though it was answered before."""

    def get_subject_of_call(self) -> User:
        """The user whom the call is about."""
        return self.request.user

    def publish(self, response: HttpResponse, *, seconds: int) -> None:
        """Commit the change, which has this answer if the process is killed while it waits."""
        if self._attempt:
            answer = self._kept_answer(response)
            self._attempt.publish(answer, seconds=seconds, shown=self.shown_memory)

    def _do_once(
        self,
        key: str,
        handler: Handler,
        request: AuthenticatedRequest,
        /,
        *args: Any,
        **kwargs: Any,
    ) -> HttpResponse:
        self._attempt = Attempt(
            key, caller=request.auth, subject=self.get_subject_of_call(), call=_describe(request)
        )
        at_once = getattr(self, "action", None) not in self.slow_actions
        try:
            with self._attempt.run(at_once=at_once):
                response = handler(request, *args, **kwargs)
                if response.status_code < 400 and not response.streaming:
                    self._attempt.keep(self._kept_answer(response), shown=self.shown_memory)
                return response
        except Replay as replay:
            self.check_replay(replay.shown)
            return _replay(*replay.answer)

    def _kept_answer(self, response: HttpResponse) -> list[Any]:
        rendered: Any = self.finalize_response(self.request, response)  # type: ignore[arg-type]
        if hasattr(rendered, "render"):
            rendered.render()
        headers = {name: rendered[name] for name in KEPT_HEADERS if name in rendered}
        return [rendered.status_code, headers, rendered.content.decode()]


def _replay(status: int, headers: dict[str, str], content: str) -> HttpResponse:
    response = HttpResponse(content.encode(), status=status)
    del response.headers["Content-Type"]  # an empty answer has none
    for name, value in {**headers, REPLAYED: "true"}.items():
        response.headers[name] = value
    return response


def _describe(request: Request) -> list[Any]:
    """What is requested, whatever the order of names and the spacing."""
    query = sorted(request.query_params.lists())
    return [request.method, request.path_info.rstrip("/"), query, _describe_body(request.data)]


def _describe_body(data: Any) -> Any:
    if not isinstance(data, QueryDict):
        return data
    lists = sorted(data.lists())
    return [(name, [_describe_value(value) for value in values]) for name, values in lists]


def _describe_value(value: Any) -> str:
    if not isinstance(value, UploadedFile):
        return str(value)
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return digest.hexdigest()
