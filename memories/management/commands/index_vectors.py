from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from accounts.models import User
from core.command_output import ReportingCommand, add_json_option
from memories.models import EmbeddingSpace
from memories.vectors.user_index import (
    drop_index,
    drop_leftovers,
    find_candidates,
    sync_index,
)


class Command(ReportingCommand):
    help = (
        "Build HNSW indexes for users with too many memories for exact search, and drop those no "
        "longer needed. Searches and writes continue meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        users = parser.add_mutually_exclusive_group(required=True)
        users.add_argument("--user", help="the user_id of one user")
        users.add_argument("--all", action="store_true", help="all users who may need an index")
        parser.add_argument(
            "--drop", action="store_true", help="drop the indexes, even if they are needed"
        )
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        update = drop_index if options["drop"] else sync_index
        pairs = find_candidates() if options["all"] else _spaces_of(options["user"])
        indexes: list[dict[str, str]] = []
        for user, space in pairs:
            outcome = update(user, space)
            indexes.append({"user_id": user.named_id, "space": str(space), "outcome": outcome})
            self._show(f"{user} in {space}: {outcome}", options)
        leftovers = list(drop_leftovers()) if options["all"] else []
        for name in leftovers:
            self._show(f"{name}: dropped, as it belongs to no user", options)
        if options["json"]:
            self.report("", {"indexes": indexes, "leftovers_dropped": leftovers}, options)

    def _show(self, line: str, options: dict[str, Any]) -> None:
        """At once, as an index may take minutes."""
        if not options["json"]:
            self.stdout.write(line)


def _spaces_of(user_id: str) -> list[tuple[User, EmbeddingSpace]]:
    try:
        user = User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user_id!r}.") from None
    return [(user, space) for space in EmbeddingSpace.objects.order_by("pk")]
