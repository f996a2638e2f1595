from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from accounts.models import User
from core.command_output import ReportingCommand, add_json_option
from core.quantities import with_noun
from memories.lifecycle.word_index import outdated, recount_common_words, renew
from memories.models import Memory


class Command(ReportingCommand):
    help = (
        "Index the words of memories that a former release stored, or with --rebuild of all "
        "memories. Searches and writes continue meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        users = parser.add_mutually_exclusive_group(required=True)
        users.add_argument("--user", help="the user_id of one user")
        users.add_argument("--all", action="store_true", help="all users")
        parser.add_argument(
            "--rebuild", action="store_true", help="even those whose words are up to date"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        memories = Memory.objects.all() if options["rebuild"] else outdated()
        if options["user"]:
            try:
                memories = memories.owned_by(User.objects.get(user_id=options["user"]))
            except User.DoesNotExist:
                raise CommandError(f"There is no user {options['user']!r}.") from None
        indexed = sum(renew(memories, step=transaction.atomic))
        if indexed:
            recount_common_words()
        sentence = f"The words of {with_noun(indexed, 'memory', 'memories')} were indexed."
        self.report(sentence, {"indexed": indexed}, options)
