"""The embedding spaces: migrate to another model and back while the server keeps running."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.admin.buttons import button
from core.admin.model_admin import BoundedList, ReadOnlyAdmin
from memories.models import EmbeddingSpace
from memories.vectors import migration

from .acting_operator import operator
from .start_migration import start_page

State = EmbeddingSpace.State

COLOURS = {
    "current": "success",
    "filling": "info",
    "paused": "warning",
    "kept for rollback": "primary",
    "dropping": "danger",
}


class SpaceList(BoundedList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for figures in migration.measure_spaces(self.result_list):
            figures.space.figures = figures  # type: ignore[attr-defined]  # for the columns


@admin.register(EmbeddingSpace)
class EmbeddingSpaceAdmin(ReadOnlyAdmin):
    list_display = (
        "name", "state_label", "dimensions", "coverage", "overlap", "size", "indexes", "created_at",
    )  # fmt: skip
    list_display_links = ("name",)
    list_before_template = "memories/admin/migration_status.html"
    ordering = ("id",)
    fields = (
        "name", "state_label", "dimensions", "coverage", "overlap", "size", "indexes", "address",
        "created_at", "activated_at", "retired_at",
    )  # fmt: skip
    readonly_fields = fields
    actions_list = ("start",)
    actions_detail = (
        "switch", "hold", "pause", "cancel", "resume", "roll_back", "backfill", "compare", "drop",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SpaceList]:
        return SpaceList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"status": migration.read_status(), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    # --- Columns -----------------------------------------------------------------------------

    @display(description="Model")
    def name(self, space: EmbeddingSpace) -> str:
        return f"{space.provider}/{space.model}"

    @display(description="State", label=COLOURS)
    def state_label(self, space: EmbeddingSpace) -> str:
        return _figures(space).state_label

    @display(description="Coverage")
    def coverage(self, space: EmbeddingSpace) -> SafeString:
        figures = _figures(space)
        about = "" if figures.exact else "about "
        return format_html(
            '<div class="space-coverage"><progress max="1" value="{}"></progress>'
            "<span>{}{} % · {} of {}</span></div>",
            f"{figures.share:.4f}",
            about,
            # Rounded down, so that 100 % means all.
            int(figures.share * 1000) / 10 if figures.share < 1 else 100,
            f"{figures.vectors:,}",
            f"{figures.memories:,}",
        )

    @display(description="Overlap with the current space")
    def overlap(self, space: EmbeddingSpace) -> str:
        comparison = space.comparison
        if not comparison:
            return "not compared"
        if comparison["overlap"] is None:
            return "too few memories to compare"
        return f"{comparison['overlap']:.0%} of the nearest ten of {comparison['queries']} memories"

    @display(description="Size")
    def size(self, space: EmbeddingSpace) -> str:
        return f"about {filesizeformat(_figures(space).vector_bytes)}"

    @display(description="User indexes")
    def indexes(self, space: EmbeddingSpace) -> str:
        figures = _figures(space)
        return f"{figures.indexes:,}, {filesizeformat(figures.index_bytes)}"

    @display(description="Base URL")
    def address(self, space: EmbeddingSpace) -> str:
        return space.settings.base_url or "this machine"

    # --- Buttons -----------------------------------------------------------------------------

    @action(description="Migrate to another model", icon="add", permissions=["operate"])
    def start(self, request: HttpRequest) -> HttpResponse:
        return start_page(self, request)

    @button(
        "Switch",
        icon="swap_horiz",
        description="All searches switch to this space as soon as it is full. The current space is "
        "kept for a rollback.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def switch(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.start(by=operator(request), hold=False)
        return f"Job {job.pk} switches to {space} as soon as it is full."

    @button(
        "Hold",
        icon="front_hand",
        description="The space is filled, but searches do not use it until you switch.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def hold(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.start(by=operator(request), hold=True)
        return f"Job {job.pk} fills {space}. Searches do not use it until you switch."

    @button(
        "Pause",
        icon="pause",
        description="No more vectors are added. Those in the space stay, and you can resume later.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def pause(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.pause()
        return f"{space} is paused."

    @button(
        "Cancel migration",
        icon="undo",
        description="The current model is configured again. The vectors of this one stay until you "
        "drop them.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def cancel(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.cancel(by=operator(request))
        return f"The migration is cancelled. {space} is paused."

    @button(
        "Resume",
        icon="play_arrow",
        description="Its model is configured, a job embeds what is missing, and searches then "
        "switch to this space. A remote model receives these memories.",
        available_for=lambda space: space.state == State.PAUSED,
    )
    def resume(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.resume(space, by=operator(request))
        return f"A job fills {space}."

    @button(
        "Roll back",
        icon="history",
        description="Its model is configured again. A job embeds newer memories, and searches then "
        "switch back to this space. The current space is kept.",
        available_for=lambda space: space.state == State.KEPT,
    )
    def roll_back(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.resume(space, by=operator(request))
        return f"A job fills {space}, and searches then switch back to it."

    @button(
        "Embed what is missing",
        icon="playlist_add_check",
        description="A job embeds the memories that have no embedding in this space.",
        available_for=lambda space: space.state == State.ACTIVE,
    )
    def backfill(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.backfill(by=operator(request))
        return f"Job {job.pk} embeds what is missing."

    @button(
        "Compare",
        icon="compare_arrows",
        description="A job uses 50 memories as queries, and measures how many of the ten nearest "
        "are the same as in the current space. It calls no model.",
        available_for=lambda space: space.state not in (State.ACTIVE, State.DROPPING),
    )
    def compare(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.enqueue_comparison(space, by=operator(request))
        return f"Job {job.pk} compares {space} with the current space."

    @button(
        "Drop",
        icon="delete",
        description="All its vectors and the key of its model are deleted. To use the model again, "
        "all memories must be embedded again.",
        variant=ActionVariant.DANGER,
        available_for=lambda space: space.state in (State.KEPT, State.PAUSED, State.DROPPING),
    )
    def drop(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.enqueue_drop(space, by=operator(request))
        return f"Job {job.pk} drops {space}."


def _figures(space: EmbeddingSpace) -> migration.SpaceFigures:
    """The figures of a space. The list has measured all its spaces at once."""
    figures: migration.SpaceFigures | None = getattr(space, "figures", None)
    if figures is None:
        [figures] = migration.measure_spaces([space])
        space.figures = figures  # type: ignore[attr-defined]
    return figures
