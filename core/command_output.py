"""What commands write to their output."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from contextlib import AbstractContextManager
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from .errors import OpenMemoryError
from .progress import Progress, report_progress


def add_json_option(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="report the result as JSON")


class ReportingCommand(BaseCommand):
    """Reports its progress on standard error, and its result on standard output.

    The exit code is 0 for success, 1 for a failure, 2 for wrong arguments.
    """

    _has_reported = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="report errors only")
        add_json_option(parser)

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except OpenMemoryError as error:
            self._report_failure(error.code, error.detail, options)
            raise CommandError(error.detail) from error
        except OSError as error:
            self._report_failure("file_failed", str(error), options)
            raise CommandError(str(error)) from error
        except CommandError as error:
            if not self._has_reported:  # a result says by itself what failed
                self._report_failure("command_failed", str(error), options)
            raise

    def show_progress(
        self, title: str, unit: str, options: dict[str, Any]
    ) -> AbstractContextManager[Progress]:
        return report_progress(title, unit, quiet=options["quiet"])

    def report(self, sentence: str, facts: dict[str, Any], options: dict[str, Any]) -> None:
        self._has_reported = True
        if options["json"]:
            self.stdout.write(json.dumps({"ok": True, **facts}, default=str, ensure_ascii=False))
        elif not options.get("quiet"):
            self.stdout.write(sentence)

    def _report_failure(self, code: str, detail: str, options: dict[str, Any]) -> None:
        """Report to programs what standard error says to people."""
        if options.get("json"):
            self.report("", {"ok": False, "error": {"code": code, "detail": detail}}, options)
