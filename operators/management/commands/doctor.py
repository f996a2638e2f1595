import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.checks import Level
from core.printable import escape_json, escape_unprintable
from operators.run_checks import CheckResult, find_unknown_names, run_checks

MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.ERROR: "ERROR"}

SUMMARIES = {
    Level.OK: "No problems found.",
    Level.WARNING: "There are warnings.",
    Level.ERROR: "There are errors.",
}


class Command(BaseCommand):
    help = (
        "Check the server for problems and suggest fixes. Works whether or not the server is "
        "running. The exit code is 0 without problems, 1 with warnings, 2 with errors."
    )
    # The check software.settings includes them.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "only", nargs="*", help="check or app to run, such as memories (default: all)"
        )
        parser.add_argument("--quiet", action="store_true", help="only report problems")
        parser.add_argument("--json", action="store_true", help="report JSON, one line per finding")
        parser.add_argument("--call-out", action="store_true", help="also call the model providers")

    def handle(self, *args: Any, **options: Any) -> None:
        # Otherwise a monitor with a misspelled name would never report a problem.
        if names := find_unknown_names(options["only"]):
            raise CommandError(
                f"Unknown check {names[0]!r}. Run manage.py doctor without a name to list all.",
                returncode=Level.ERROR,
            )
        worst = Level.OK
        for result in run_checks(only=options["only"], calling_out=options["call_out"]):
            worst = max(worst, result.finding.level)
            if result.finding.level or not options["quiet"]:
                self._report(result, options)
        if not options["json"] and not options["quiet"]:
            self.stdout.write(SUMMARIES[worst])
        sys.exit(worst)

    def _report(self, result: CheckResult, options: dict[str, Any]) -> None:
        finding = result.finding
        if options["json"]:
            facts = {
                "check": result.check,
                "level": finding.level.name.lower(),
                "says": finding.message,
            }
            line = json.dumps({**facts, "advice": finding.advice}, ensure_ascii=False)
            self.stdout.write(escape_json(line))
            return
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING}
        mark = style.get(finding.level, self.style.ERROR)(f"{MARKS[finding.level]:>7}")
        message = escape_unprintable(finding.message)
        self.stdout.write(f"{mark}  {result.check}: {message}")
        if finding.advice:
            self.stdout.write(f"         → {escape_unprintable(finding.advice)}.")
