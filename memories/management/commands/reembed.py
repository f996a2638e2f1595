from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.models import User
from configuration import effective
from configuration.sections import SectionChange
from configuration.serializers import EmbedderSerializer, error_details
from configuration.update import InvalidChange, update_configuration
from configuration.wire_format import replace_section
from core import argument_types
from core.command_output import ReportingCommand, add_json_option
from core.quantities import with_noun
from memories.models import EmbeddingSpace
from memories.vectors import migration


class Command(ReportingCommand):
    help = (
        "Migrate to the configured embedding model, or to the one given here, while the server "
        "runs: a job embeds all memories, and searches use the current vectors until it is done. "
        "Run it again to resume after a pause, a failure or --hold."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--provider", help="configure this provider first, such as openai")
        parser.add_argument("--model", help="its model; by default the provider's default model")
        parser.add_argument(
            "--dimensions",
            type=argument_types.number(1),
            help="the dimensions of the vectors; by default those of the model",
        )
        parser.add_argument("--base-url", help="the URL of its API, if not the default")
        parser.add_argument(
            "--key-from", metavar="NAME", help="the environment variable with its API key"
        )
        parser.add_argument("--as", dest="by", metavar="USER", help="the operator in the audit log")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--hold", action="store_true", help="do not switch when it is done")
        action.add_argument("--status", action="store_true", help="show the progress")
        action.add_argument("--pause", action="store_true", help="pause, to resume later")
        action.add_argument("--cancel", action="store_true", help="keep the current model")
        action.add_argument("--back", action="store_true", help="roll back to the previous model")
        action.add_argument("--drop", action="store_true", help="drop vectors that are not in use")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        actions = [name for name in ("status", "pause", "cancel", "back", "drop") if options[name]]
        act = getattr(self, f"_{actions[0]}" if actions else "_start")
        try:
            act(options)
        except InvalidChange as invalid:
            raise CommandError(" ".join(error.detail for error in invalid.errors)) from invalid

    def _start(self, options: dict[str, Any]) -> None:
        by = _get_operator(options["by"])
        if options["provider"]:
            update_configuration([_embedder_change(options)], by=by)
        job = migration.start(by=by, hold=options["hold"])
        configured = _configured_model()
        self.report(
            f"Job {job.pk} embeds all memories with {configured}.\n"
            "It runs while the server runs. Show its progress with --status.",
            {"configured": configured, "job": job.pk},
            options,
        )

    def _status(self, options: dict[str, Any]) -> None:
        status = migration.read_status()
        spaces = migration.measure_spaces(EmbeddingSpace.objects.order_by("pk"))
        lines = [f"Configured: {status.configured}"]
        for figures in spaces:
            lines += _describe_space(figures)
        job = status.job
        if job is not None:
            error = f", {job.error['detail']}" if job.error else ""
            lines.append(f"Job {job.pk}: {job.state}, {job.done:,} of {job.total or 0:,}{error}")
        facts = {
            "configured": status.configured,
            "spaces": [_space_facts(figures) for figures in spaces],
            "job": job and {
                "id": job.pk, "state": job.state, "done": job.done, "total": job.total,
                "error": job.error,
            },
        }  # fmt: skip
        self.report("\n".join(lines), facts, options)

    def _pause(self, options: dict[str, Any]) -> None:
        migration.pause()
        sentence = "Paused. Run the command without an option to resume."
        self.report(sentence, {"configured": _configured_model()}, options)

    def _cancel(self, options: dict[str, Any]) -> None:
        migration.cancel(by=_get_operator(options["by"]))
        self._report_configured("The vectors of the other model stay until --drop.", options)

    def _back(self, options: dict[str, Any]) -> None:
        migration.roll_back(by=_get_operator(options["by"]))
        self._report_configured(
            "Newer memories are embedded before the switch: see --status.", options
        )

    def _report_configured(self, sentence: str, options: dict[str, Any]) -> None:
        configured = _configured_model()
        self.report(f"Configured: {configured}\n{sentence}", {"configured": configured}, options)

    def _drop(self, options: dict[str, Any]) -> None:
        dropped = {
            str(space): sum(migration.drop_vectors(space)) for space in migration.droppable()
        }
        lines = [
            f"{space}: {with_noun(count, 'vector')} dropped" for space, count in dropped.items()
        ]
        facts = {
            "dropped": [{"space": space, "vectors": count} for space, count in dropped.items()]
        }
        self.report("\n".join(lines) or "There are no vectors to drop.", facts, options)


def _describe_space(figures: migration.SpaceFigures) -> list[str]:
    about = "" if figures.exact else "about "
    counts = f"{about}{figures.vectors:,} of {with_noun(figures.memories, 'memory', 'memories')}"
    lines = [f"{figures.space}: {figures.state_label}, {counts}"]
    comparison = figures.space.comparison
    if comparison and comparison["overlap"] is not None:
        lines.append(
            "  {overlap:.0%} of the ten nearest of {queries} memories were the same as in "
            "the space that was current then".format(**comparison)
        )
    return lines


def _space_facts(figures: migration.SpaceFigures) -> dict[str, Any]:
    return {
        "space": str(figures.space),
        "state": figures.space.state,
        "vectors": figures.vectors,
        "memories": figures.memories,
        "exact": figures.exact,
        "comparison": figures.space.comparison,
    }


def _configured_model() -> str:
    embedder = effective.current_settings().embedder
    return f"{embedder.provider}/{embedder.model}"


def _embedder_change(options: dict[str, Any]) -> SectionChange:
    """The options as a change of the configuration. Raises CommandError."""
    config = {name: options[name] for name in ("model", "dimensions")}
    base_url = "ollama_base_url" if options["provider"] == "ollama" else "openai_base_url"
    config[base_url] = options["base_url"]
    config["api_key"] = options["key_from"] and f"env:{options['key_from']}"
    serializer = EmbedderSerializer(data={"provider": options["provider"], "config": config})
    if not serializer.is_valid():
        details = error_details(serializer.errors)
        raise CommandError(" ".join(f"{field}: {detail}" for field, detail in details))
    return replace_section("embedder", serializer.validated_data)


def _get_operator(user_id: str | None) -> User:
    operators = User.objects.filter(is_staff=True, is_superuser=True)
    if user_id:
        operators = operators.filter(user_id=user_id)
    default = operators.filter(user_id=settings.DEFAULT_USER).first()
    operator = default or operators.order_by("created_at").first()
    if operator is None:
        raise CommandError(
            f"{user_id!r} is not an operator. Create one: create_api_key --operator"
            if user_id
            else "There is no operator. Create one: create_api_key --operator"
        )
    return operator
