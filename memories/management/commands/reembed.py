from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from configuration import effective
from configuration.sections import SectionChange
from configuration.serializers import EmbedderSerializer
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import replace_section
from core import argument_types
from core.errors import OpenMemoryError
from memories.models import EmbeddingSpace
from memories.vectors import migration


class Command(BaseCommand):
    help = (
        "Go over to the configured embedding model, or to the one that is named here, while the "
        "server runs: a job embeds all memories anew, and searches go on with the present vectors "
        "until it is done. Given again, it goes on after a pause, a failure or --hold."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--provider", help="configure this provider first, such as openai")
        parser.add_argument("--model", help="its model, if not the usual one")
        parser.add_argument(
            "--dimensions",
            type=argument_types.number(1),
            help="of the vectors, if not the model's own",
        )
        parser.add_argument("--base-url", help="the address of its API, if not the usual one")
        parser.add_argument(
            "--key-from", metavar="NAME", help="the environment variable of its key"
        )
        parser.add_argument("--as", dest="by", metavar="USER", help="the operator who does this")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--hold", action="store_true", help="do not switch when it is done")
        what.add_argument("--status", action="store_true", help="say how far it is")
        what.add_argument("--pause", action="store_true", help="stop, to go on later")
        what.add_argument("--cancel", action="store_true", help="stay with the present model")
        what.add_argument("--back", action="store_true", help="go back to the model before")
        what.add_argument("--drop", action="store_true", help="drop vectors that are not in use")

    def handle(self, *args: Any, **options: Any) -> None:
        named = [name for name in ("status", "pause", "cancel", "back", "drop") if options[name]]
        act = getattr(self, f"_{named[0]}" if named else "_begin")
        try:
            act(options)
        except InvalidChange as invalid:
            raise CommandError(" ".join(error.detail for error in invalid.errors)) from invalid
        except OpenMemoryError as error:
            raise CommandError(error.detail) from error

    def _begin(self, options: dict[str, Any]) -> None:
        by = _operator(options["by"])
        if options["provider"]:
            update_configuration([_embedder_change(options)], by=by)
        job = migration.start(by=by, hold=options["hold"])
        self.stdout.write(f"Job {job.pk} embeds all memories by {_configured()}.")
        self.stdout.write("It runs while the server does. See how far it is with --status.")

    def _status(self, options: dict[str, Any]) -> None:
        change = migration.read_status()
        self.stdout.write(f"Configured: {change.configured}")
        for each in migration.measure_spaces(EmbeddingSpace.objects.order_by("pk")):
            about = "" if each.exact else "about "
            counts = f"{about}{each.vectors:,} of {each.memories:,} memories"
            self.stdout.write(f"{each.space}: {each.state_label}, {counts}")
            comparison = each.space.comparison
            if comparison and comparison["overlap"] is not None:
                self.stdout.write(
                    "  {overlap:.0%} of the ten nearest of {queries} memories were the same as in "
                    "the space searched then".format(**comparison)
                )
        job = change.job
        if job is not None:
            said = f", {job.error['detail']}" if job.error else ""
            self.stdout.write(
                f"Job {job.pk}: {job.state}, {job.done:,} of {job.total or 0:,}{said}"
            )

    def _pause(self, options: dict[str, Any]) -> None:
        migration.pause()
        self.stdout.write("Paused. Without an option, this command goes on.")

    def _cancel(self, options: dict[str, Any]) -> None:
        migration.cancel(by=_operator(options["by"]))
        self.stdout.write(f"Configured: {_configured()}")
        self.stdout.write("What was embedded stays until --drop.")

    def _back(self, options: dict[str, Any]) -> None:
        migration.roll_back(by=_operator(options["by"]))
        self.stdout.write(f"Configured: {_configured()}")
        self.stdout.write("What has come since is embedded first: see --status.")

    def _drop(self, options: dict[str, Any]) -> None:
        for space in migration.droppable():
            vectors = sum(migration.drop_vectors(space))
            self.stdout.write(f"{space}: {vectors:,} vectors dropped")


def _configured() -> str:
    embedder = effective.current_settings().embedder
    return f"{embedder.provider}/{embedder.model}"


def _embedder_change(options: dict[str, Any]) -> SectionChange:
    """What was named, as the API would take it. Raises CommandError."""
    config = {name: options[name] for name in ("model", "dimensions")}
    address = "ollama_base_url" if options["provider"] == "ollama" else "openai_base_url"
    config[address] = options["base_url"]
    config["api_key"] = options["key_from"] and f"env:{options['key_from']}"
    given = EmbedderSerializer(data={"provider": options["provider"], "config": config})
    if not given.is_valid():
        raise CommandError(" ".join(_details(given.errors)))
    return replace_section("embedder", given.validated_data)


def _details(errors: Any, field: str = "") -> Iterator[str]:
    """What a serializer found wrong, a sentence each."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            yield from _details(inner, name)
    else:
        yield from (f"{field}: {error}" for error in errors)


def _operator(user_id: str | None) -> User:
    operators = User.objects.filter(is_staff=True, is_superuser=True)
    if user_id:
        operators = operators.filter(user_id=user_id)
    usual = operators.filter(user_id=settings.DEFAULT_USER).first()
    operator = usual or operators.order_by("created_at").first()
    if operator is None:
        raise CommandError(
            f"{user_id!r} is no operator: create_api_key --operator makes one."
            if user_id
            else "There is no operator: create_api_key --operator makes one."
        )
    return operator
