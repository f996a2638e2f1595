"""The embedding spaces: going over to another model and back, while everybody goes on searching."""

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

from . import start_migration
from .signed_in import operator

State = EmbeddingSpace.State

COLOURS = {
    "searched": "success",
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
        "name", "meaning", "dimensions", "coverage", "overlap", "size", "indexes", "created_at",
    )  # fmt: skip
    list_display_links = ("name",)
    list_before_template = "memories/admin/reembedding.html"
    ordering = ("id",)
    fields = (
        "name", "meaning", "dimensions", "coverage", "overlap", "size", "indexes", "address",
        "created_at", "activated_at", "retired_at",
    )  # fmt: skip
    readonly_fields = fields
    actions_list = ("start",)
    actions_detail = (
        "switch", "hold", "pause", "give_up", "go_on", "go_back", "complete", "compare", "drop",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[SpaceList]:
        return SpaceList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"overview": migration.read_status(), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, shown)
        return response

    # --- Columns -----------------------------------------------------------------------------

    @display(description="Model")
    def name(self, space: EmbeddingSpace) -> str:
        return f"{space.provider}/{space.model}"

    @display(description="State", label=COLOURS)
    def meaning(self, space: EmbeddingSpace) -> str:
        return _figures(space).state_label

    @display(description="Memories in it")
    def coverage(self, space: EmbeddingSpace) -> SafeString:
        figures = _figures(space)
        about = "" if figures.exact else "about "
        return format_html(
            '<div class="space-coverage"><progress max="1" value="{}"></progress>'
            "<span>{}{} % · {} of {}</span></div>",
            f"{figures.share:.4f}",
            about,
            # Rounded down: 100 % is nothing less.
            int(figures.share * 1000) / 10 if figures.share < 1 else 100,
            f"{figures.vectors:,}",
            f"{figures.memories:,}",
        )

    @display(description="Same results")
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

    @display(description="Indexes of users")
    def indexes(self, space: EmbeddingSpace) -> str:
        figures = _figures(space)
        return f"{figures.indexes:,}, {filesizeformat(figures.index_bytes)}"

    @display(description="Reached at")
    def address(self, space: EmbeddingSpace) -> str:
        return space.settings.base_url or "this machine"

    # --- What is done ------------------------------------------------------------------------

    @action(description="Start another model", icon="add", permissions=["operate"])
    def start(self, request: HttpRequest) -> HttpResponse:
        return start_migration.start(self, request)

    @button(
        "Switch",
        icon="swap_horiz",
        description="Searches go over to it as soon as it is full, all at once. The "
        "present space is kept "
        "to go back to.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def switch(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.start(by=operator(request), hold=False)
        return f"Job {job.pk} goes over to {space} as soon as it is full."

    @button(
        "Hold",
        icon="front_hand",
        description="It is filled, but searches do not go over to it until you switch.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def hold(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.start(by=operator(request), hold=True)
        return f"Job {job.pk} fills {space}, and nothing goes over to it until you switch."

    @button(
        "Pause",
        icon="pause",
        description="Nothing more is put into it. What is in it stays, and you can go on later.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def pause(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.pause()
        return f"{space} is left as it is."

    @button(
        "Give up",
        icon="undo",
        description="The model that is searched now is configured again. What was embedded "
        "by this one "
        "stays until you drop it.",
        available_for=lambda space: space.state == State.FILLING,
    )
    def give_up(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.cancel(by=operator(request))
        return f"Searches stay where they are. {space} is left as it is."

    @button(
        "Go on",
        icon="play_arrow",
        description="Its model is configured, a job embeds what is missing, and searches "
        "then go over to "
        "it. Where the model runs elsewhere, memories are sent there.",
        available_for=lambda space: space.state == State.PAUSED,
    )
    def go_on(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.resume(space, by=operator(request))
        return f"A job fills {space}."

    @button(
        "Go back to it",
        icon="history",
        description="Its model is configured again. A job embeds what has come since, and searches "
        "then go back to it; the present space is kept.",
        available_for=lambda space: space.state == State.KEPT,
    )
    def go_back(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        migration.resume(space, by=operator(request))
        return f"A job completes {space}, and searches then go back to it."

    @button(
        "Embed what is missing",
        icon="playlist_add_check",
        description="A job embeds the memories that have no vector in it yet.",
        available_for=lambda space: space.state == State.ACTIVE,
    )
    def complete(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.backfill(by=operator(request))
        return f"Job {job.pk} embeds what is missing."

    @button(
        "Compare",
        icon="compare_arrows",
        description="A job takes fifty memories as questions, and counts how many of the "
        "ten nearest are "
        "the same as in the space that is searched. No model is asked for it.",
        available_for=lambda space: space.state not in (State.ACTIVE, State.DROPPING),
    )
    def compare(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.enqueue_comparison(space, by=operator(request))
        return f"Job {job.pk} compares {space} with the space that is searched."

    @button(
        "Drop",
        icon="delete",
        description="All its vectors are removed for good, and the key of its model is "
        "forgotten. To go "
        "back to it, all memories have to be embedded anew.",
        variant=ActionVariant.DANGER,
        available_for=lambda space: space.state in (State.KEPT, State.PAUSED, State.DROPPING),
    )
    def drop(self, request: HttpRequest, space: EmbeddingSpace, form: object) -> str:
        job = migration.enqueue_drop(space, by=operator(request))
        return f"Job {job.pk} drops {space}."


def _figures(space: EmbeddingSpace) -> migration.SpaceFigures:
    """Of all the spaces of a list at once, else of this one."""
    known: migration.SpaceFigures | None = getattr(space, "figures", None)
    if known is None:
        [known] = migration.measure_spaces([space])
        space.figures = known  # type: ignore[attr-defined]
    return known
