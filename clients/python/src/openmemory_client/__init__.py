"""A client of OpenMemory: `Client`, and `AsyncClient` with the same methods."""

from .async_client import AsyncClient, AsyncPages
from .client import Client, Pages
from .errors import (
    BadRequest,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    OpenMemoryError,
    PreconditionFailed,
    RateLimited,
    ServerError,
    TooLarge,
    Unauthorized,
)
from .models import Found, Hit, Memory, Namespace, PromptText, Stored

__all__ = [
    "AsyncClient",
    "AsyncPages",
    "BadRequest",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "Found",
    "Hit",
    "Memory",
    "Namespace",
    "NotFound",
    "OpenMemoryError",
    "Pages",
    "PreconditionFailed",
    "PromptText",
    "RateLimited",
    "ServerError",
    "Stored",
    "TooLarge",
    "Unauthorized",
]
