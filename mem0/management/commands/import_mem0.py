import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rest_framework.exceptions import APIException

from accounts.authentication import find_key
from accounts.models import ApiKey
from accounts.subjects import get_user
from core.command_output import ReportingCommand
from core.quantities import with_noun
from mem0.import_memories import import_memories
from mem0.import_source import Source
from mem0.tenant import Tenant


class Command(ReportingCommand):
    help = (
        "Import memories from Mem0: a file of its export, or the URL of its API or of its own "
        "server. Ids and times are kept, and what is already here is left as it is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", help="a JSON file, or a URL such as https://api.mem0.ai")
        parser.add_argument(
            "--key",
            help="a key of this server, whose account gets the memories; or the key of the source",
        )
        parser.add_argument("--user", help="the user_id of the account that gets the memories")
        parser.add_argument(
            "--source-key",
            help="the key of the source, by default that of the environment variable MEM0_API_KEY",
        )
        parser.add_argument("--dry-run", action="store_true", help="report what would be imported")
        super().add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        own = self._find_own_key(options["key"])
        if own is None and not options["user"]:
            raise CommandError("Name the account: --user USER, or --key with a key of this server.")
        key = own or ApiKey(user=get_user(options["user"]))
        source_key = options["source_key"] or os.environ.get("MEM0_API_KEY")
        if own is None and options["key"]:
            source_key = options["key"]
        source = Source(options["source"], source_key)
        outcome = import_memories(Tenant(key), source.read(), is_dry_run=options["dry_run"])
        verb = "would be created" if options["dry_run"] else "created"
        summary = (
            f"{with_noun(outcome.created, 'memory', 'memories')} {verb}, {outcome.known:,} already "
            f"here, {outcome.empty:,} without a text; of {with_noun(len(outcome.users), 'user')}."
        )
        result = {
            "created": outcome.created,
            "known": outcome.known,
            "empty": outcome.empty,
            "users": len(outcome.users),
            "dry_run": options["dry_run"],
            "cut": source.cut,
        }
        self.report(summary, result, options)
        if source.cut:
            raise CommandError(
                "The source shows no more memories of "
                f"{', '.join(source.cut[:10])}{' and others' if len(source.cut) > 10 else ''}, and "
                "may have more. Export these from its vector store, as JSON, and import the file."
            )

    def _find_own_key(self, secret: str | None) -> ApiKey | None:
        if not secret:
            return None
        try:
            return find_key(f"Bearer {secret}")
        except APIException:
            return None
