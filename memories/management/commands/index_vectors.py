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
        "Give users with so many memories that comparing all vectors is slow an index of their "
        "own, and drop those that are no longer needed. Searches and writes go on meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", help="the user_id of one user")
        whose.add_argument("--all", action="store_true", help="everybody who may need one")
        parser.add_argument(
            "--drop", action="store_true", help="drop indexes, needed or not, instead"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        act = drop_index if options["drop"] else sync_index
        pairs = find_candidates() if options["all"] else _spaces_of(options["user"])
        try:
            for user, space in pairs:
                self.stdout.write(f"{user} in {space}: {act(user, space)}")
            if options["all"]:
                for name in drop_leftovers():
                    self.stdout.write(f"{name}: dropped, as it belongs to nobody")
        except IndexingUnderway as error:
            raise CommandError(error.detail) from error


def _spaces_of(user_id: str) -> list[tuple[User, EmbeddingSpace]]:
    try:
        user = User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {user_id!r}.") from None
    return [(user, space) for space in EmbeddingSpace.objects.order_by("pk")]
