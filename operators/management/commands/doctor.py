import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.checks import Level
from operators.run_checks import Examined, examine, unknown

MARKS = {Level.OK: "ok", Level.WARNING: "warning", Level.ERROR: "ERROR"}

SAID = {
    Level.OK: "All is well.",
    Level.WARNING: "There are warnings.",
    Level.ERROR: "There are errors.",
}


class Command(BaseCommand):
    help = (
        "Look at everything that can be wrong with the server, and say what to do. It works while "
        "the server runs and while it does not. The exit code is 0 when all is well, 1 when "
        "there are warnings, 2 when there are errors."
    )
    # The settings are looked at with the rest.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "only", nargs="*", help="what to look at: a check or an app, such as memories"
        )
        parser.add_argument("--quiet", action="store_true", help="say nothing of what is well")
        parser.add_argument("--json", action="store_true", help="say it as JSON, a line for each")
        parser.add_argument(
            "--call-out", action="store_true", help="ask the providers of models, too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # To a monitor that asks for what is not there, all would be well for ever.
        if names := unknown(options["only"]):
            raise CommandError(
                f"There is no check {names[0]!r}. manage.py doctor without a name shows all.",
                returncode=Level.ERROR,
            )
        worst = Level.OK
        for examined in examine(only=options["only"], calling_out=options["call_out"]):
            worst = max(worst, examined.finding.level)
            if examined.finding.level or not options["quiet"]:
                self._say(examined, options)
        if not options["json"] and not options["quiet"]:
            self.stdout.write(SAID[worst])
        sys.exit(worst)

    def _say(self, examined: Examined, options: dict[str, Any]) -> None:
        found = examined.finding
        if options["json"]:
            facts = {
                "check": examined.check,
                "level": found.level.name.lower(),
                "says": found.message,
            }
            self.stdout.write(json.dumps({**facts, "advice": found.advice}, ensure_ascii=False))
            return
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING}
        mark = style.get(found.level, self.style.ERROR)(f"{MARKS[found.level]:>7}")
        self.stdout.write(f"{mark}  {examined.check}: {found.message}")
        if found.advice:
            self.stdout.write(f"         → {found.advice}.")
