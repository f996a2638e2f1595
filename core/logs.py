"""Logging: JSON lines, or readable text on a terminal, each with its request id."""

from __future__ import annotations

import logging.config
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import structlog
from django.utils.log import CallbackFilter
from structlog.typing import EventDict, Processor, WrappedLogger

from core.printable import escape_json, escape_unprintable

# Commands that run a server log to standard output.
_PROGRAMS = {"manage.py", "openmemory"}
_SERVER_COMMANDS = {"run", "runserver", "up"}

# PostgreSQL shows a rejected row in its message. That would put a memory's text into the log.
_SHOWN_ROW = re.compile(
    r"\n(?:DETAIL|CONTEXT):.*?(?=\n\n(?:The above exception|During handling)|\Z)", re.DOTALL
)

_LOGGERS: dict[str, dict[str, object]] = {
    "django": {"handlers": [], "level": "NOTSET", "propagate": True},
    # Every request already has a line with its status.
    "django.request": {"level": "ERROR", "filters": ["failures"]},
    # Scanners could fill the log with its tracebacks.
    "django.security.DisallowedHost": {"level": "CRITICAL"},
    "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
    "django.db.backends": {"level": "INFO"},
    # They log each call of a model, and at DEBUG its prompt.
    "httpx2": {"level": "WARNING"},
    "openai": {"level": "WARNING"},
    # It logs its start and stop, as this server does.
    "uvicorn": {"level": "WARNING"},
    "uvicorn.error": {"level": "WARNING"},
    # It logs each message.
    "mcp": {"level": "WARNING"},
    # Every job has a line of its own. Messages carry no further information.
    "celery": {"level": "WARNING"},
}


def configure(options: Mapping[str, str]) -> None:
    """Set up logging. `options` has `level`, and `format`: `auto`, `text` or `json`."""
    stream = _stream()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": _formatter, "kind": options["format"]}},
            "handlers": {
                "stream": {
                    "class": "logging.StreamHandler",
                    "stream": stream,
                    "formatter": "line",
                }
            },
            "root": {"handlers": ["stream"], "level": options["level"]},
            "filters": {"failures": {"()": CallbackFilter, "callback": _has_exception}},
            "loggers": _LOGGERS,
        }
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _has_exception(record: logging.LogRecord) -> bool:
    return bool(record.exc_info)


@contextmanager
def bind_request_id(request_id: str) -> Iterator[None]:
    """Add this id to every line logged in the block."""
    with structlog.contextvars.bound_contextvars(request_id=request_id):
        yield


def request_id() -> str | None:
    """The id of the current request, if any."""
    return structlog.contextvars.get_contextvars().get("request_id")


def strip_rows(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Remove the rows that PostgreSQL shows from messages and tracebacks."""
    return {
        key: _SHOWN_ROW.sub("", value) if isinstance(value, str) else value
        for key, value in event.items()
    }


def escape_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape what does not print. Tracebacks keep their lines."""
    return {
        escape_unprintable(str(key)): escape_unprintable(
            value, keep="\n\t" if key in ("exception", "stack") else ""
        )
        if isinstance(value, str)
        else value
        for key, value in event.items()
    }


class JsonRenderer:
    """One line of printable JSON."""

    def __init__(self) -> None:
        self._render = structlog.processors.JSONRenderer(ensure_ascii=False)

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        return escape_json(str(self._render(logger, name, event)))


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _formatter(kind: str) -> logging.Formatter:
    terminal = _stream().isatty()
    readable = kind == "text" or (kind == "auto" and terminal)
    renderers: list[Processor] = [JsonRenderer()]
    if readable:
        console = structlog.dev.ConsoleRenderer(
            colors=terminal, exception_formatter=structlog.dev.plain_traceback
        )
        renderers = [escape_values, console]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared_processors(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            strip_rows,
            *renderers,
        ],
    )


def _stream() -> TextIO:
    """Standard output; standard error for commands that print a result."""
    command = sys.argv[1:2] if Path(sys.argv[0]).name in _PROGRAMS else None
    if command is None or _SERVER_COMMANDS.intersection(command):
        return sys.stdout
    return sys.stderr
