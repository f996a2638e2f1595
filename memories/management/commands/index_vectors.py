from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from memories.models import EmbeddingSpace
from memories.vectors.user_index import (
    IndexingUnderway,
    drop_index,
    drop_leftovers,
    find_candidates,
    sync_index,
)


class Command(BaseCommand):
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

    def handle(self, *args: Any, **options: Any) -> None:
        update = drop_index if options["drop"] else sync_index
        pairs = find_candidates() if options["all"] else _spaces_of(options["user"])
        try:
            for user, space in pairs:
                self.stdout.write(f"{user} in {space}: {update(user, space)}")
            if options["all"]:
                for name in drop_leftovers():
                    self.stdout.write(f"{name}: dropped, as it belongs to no user")
        except IndexingUnderway as error:
            raise CommandError(error.detail) from error


def _spaces_of(user_id: str) -> list[tuple[User, EmbeddingSpace]]:
    try:
        user = User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user_id!r}.") from None
    return [(user, space) for space in EmbeddingSpace.objects.order_by("pk")]
