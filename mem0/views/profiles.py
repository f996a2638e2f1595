from __future__ import annotations

import json
import uuid
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.response import Response

from accounts.authentication import AuthenticatedRequest
from accounts.keyed_view import REPLAYED
from accounts.models import User
from core.errors import Malformed, NotFound
from core.transactions import change
from jobs.models import Job
from jobs.models import State as JobState
from mem0.answer_schema import read_schema
from mem0.entity_register import EntityNotFound, find_entities, get_entity, register_known_users
from mem0.event_log import write_event
from mem0.material import NeedsModel, require_model
from mem0.models import EntityKind, EventType, Profile, ProfileState, Project
from mem0.profile_job import (
    MAX_USERS,
    count_states,
    enqueue_profiles,
    is_enabled,
    is_stale,
    make_profiles,
    read_profile_settings,
)
from mem0.project_settings import MAX_TEXT

from .mem0_view import DialectViewSet, read_number

STATES = {
    JobState.QUEUED: "pending",
    JobState.RUNNING: "running",
    JobState.SUCCEEDED: "succeeded",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "failed",
}


class ProfileJobNotFound(NotFound):
    """Profile job not found."""

    code = "profile_job_not_found"


class ProfilesViewSet(DialectViewSet):
    """What is known of each user, by a language model."""

    def retrieve(self, request: AuthenticatedRequest, name: str) -> Response:
        self.tenant.require_unbound()  # it is made of what all apps have stored
        entity = get_entity(self.tenant, EntityKind.USER, name)
        shown: dict[str, Any] = {
            "profile": {},
            "status": "not_enabled",
            "entity_type": "user",
            "entity_id": entity.name,
            "updated_at": None,
            "generation_count": 0,
            "error": None,
        }
        if _has_model() and is_enabled(self.tenant.account):
            shown |= self._show(entity.user or self.tenant.account)
        return Response(shown)

    def _show(self, user: User) -> dict[str, Any]:
        """The profile of a user. The first one, and one after a deletion, is made now."""
        if not self.tenant.memories().filter(user=user).active().unexpired().exists():
            Profile.objects.filter(user=user).delete()
            return {"status": ProfileState.EMPTY}
        profile = Profile.objects.filter(user=user).first()
        is_done = profile is not None and profile.state == ProfileState.SUCCEEDED
        if profile is None or (is_done and is_stale(profile)):
            with change():
                enqueue_profiles(self.tenant, [user])
            return {"status": ProfileState.PENDING}
        status, error = profile.state, profile.error
        if status == ProfileState.PENDING:
            job = Job.objects.filter(pk=profile.job).first() if profile.job else None
            if job is None or job.is_finished:
                status = ProfileState.FAILED
                error = ((job and job.error) or {}).get("detail", "")
        return {
            "profile": profile.profile,
            "status": status,
            "updated_at": profile.updated_at and profile.updated_at.isoformat(),
            "generation_count": profile.generation_count,
            "error": error or None,
        }


class ProfileSettingsViewSet(DialectViewSet):
    def retrieve(self, request: AuthenticatedRequest) -> Response:
        return Response(self._show())

    def update(self, request: AuthenticatedRequest) -> Response:
        self.tenant.require_whole_account()
        changes = self._read_changes()
        if changes.get("enabled"):
            require_model()
        with change():
            Project.objects.get_or_create(account=self.tenant.account)
            row = Project.objects.select_for_update().get(account=self.tenant.account)
            former = row.profiles.get("entities", {}).get("user", {})
            if "entities" in changes:  # what is not named stays
                changes["entities"] = {"user": {**former, **changes["entities"]["user"]}}
            row.profiles = {**row.profiles, **changes}
            row.save(update_fields=["profiles", "updated_at"])
        return Response(self._show())

    def _show(self) -> dict[str, Any]:
        settings = read_profile_settings(self.tenant.account)
        user = settings.get("entities", {}).get("user", {})
        shown = {name: user.get(name) for name in ("schema", "custom_instructions")}
        is_on = bool(settings.get("enabled")) and _has_model()
        return {"enabled": is_on, "capabilities": {}, "entities": {"user": shown}}

    def _read_changes(self) -> dict[str, Any]:
        """Raises Malformed and InvalidSchema."""
        known = {"enabled", "entities", "org_id", "project_id", "source"}
        if others := sorted(self.body.keys() - known):
            raise Malformed(f"Unsupported settings: {', '.join(others)[:200]}.")
        changes: dict[str, Any] = {}
        if "enabled" in self.body:
            if not isinstance(self.body["enabled"], bool):
                raise Malformed("`enabled` is true or false.", field="enabled")
            changes["enabled"] = self.body["enabled"]
        if self.body.get("entities") is not None:
            changes["entities"] = {"user": _read_entities(self.body["entities"])}
        if not changes:
            raise Malformed("Send `enabled` or `entities`.")
        return changes


def _read_entities(entities: Any) -> dict[str, Any]:
    user = entities.get("user") if isinstance(entities, dict) else None
    if not isinstance(user, dict) or entities.keys() != {"user"}:
        raise Malformed("Unsupported settings: `entities` is an object with `user`.")
    if others := user.keys() - {"schema", "custom_instructions"}:
        raise Malformed(f"Unsupported settings: {', '.join(sorted(others))[:200]}.")
    instructions = user.get("custom_instructions")
    if not isinstance(instructions, str | None) or len(instructions or "") > MAX_TEXT:
        raise Malformed(f"`custom_instructions` is a text of at most {MAX_TEXT:,} characters.")
    read: dict[str, Any] = dict(user)
    if "schema" in user:
        read["read_schema"] = read_schema(user["schema"]) if user["schema"] else None
    return read


class ProfileJobsViewSet(DialectViewSet):
    def create(self, request: AuthenticatedRequest) -> Response:
        self.tenant.require_unbound()
        require_model()
        operation = self.body.get("operation")
        if operation not in ("trigger", "sample"):
            raise Malformed("`operation` is trigger or sample.", field="operation")
        if self.body.get("entity_type") != "user":
            raise Malformed("`entity_type` is user.", field="entity_type")
        names, users = self._choose(is_sample=operation == "sample")
        with change():
            job = enqueue_profiles(self.tenant, users)
            event = write_event(self.tenant, EventType.UPDATE, jobs=[job.pk])
        return Response(
            {
                "job_id": str(job.pk),
                "status": "pending",
                "status_url": f"/v2/profiles/jobs/{job.pk}/",
                "operation": operation,
                "entity_type": "user",
                "entity_count_reserved": len(users),
                "event_id": str(event.pk),
                "replayed": False,
                "sampled": len(users) if operation == "sample" else 0,
                "entity_ids": names,
            }
        )

    def _choose(self, *, is_sample: bool) -> tuple[list[str], list[User]]:
        """The users to make profiles of, with their names. Raises Malformed and EntityNotFound."""
        if is_sample:
            limit = read_number(self.body.get("limit"), "limit", default=10, most=MAX_USERS)
            register_known_users(self.tenant)
            entities = list(find_entities(self.tenant).filter(kind=EntityKind.USER)[:limit])
            if not entities:
                raise EntityNotFound
        else:
            name = self.body.get("entity_id")
            if not isinstance(name, str) or not name:
                raise Malformed("`entity_id` is the id of a user.", field="entity_id")
            entities = [get_entity(self.tenant, EntityKind.USER, name)]
        by_name = {entity.name: entity.user or self.tenant.account for entity in entities}
        users = list(dict.fromkeys(by_name.values()))
        return list(by_name), users

    def retrieve(self, request: AuthenticatedRequest, job_id: str) -> Response:
        try:
            pk = uuid.UUID(job_id)
        except ValueError:
            raise ProfileJobNotFound from None
        self.tenant.require_unbound()
        own = Job.objects.owned_by(self.tenant.account).filter(kind=make_profiles.name, pk=pk)
        if self.tenant.is_pinned:
            own = own.filter(parameters__users=[str(self.tenant.account.pk)])
        job = own.first()
        if job is None:
            raise ProfileJobNotFound
        counts = count_states(job)
        total = counts.total()
        counted = {
            "succeeded": counts[ProfileState.SUCCEEDED],
            "failed": counts[ProfileState.FAILED],
            "skipped": counts[ProfileState.EMPTY],
        }
        shown = {
            "id": str(job.pk),
            "operation": "trigger" if total == 1 else "sample",
            "entity_type": "user",
            "status": STATES[JobState(job.state)],
            "total": total,
            "enumeration_complete": True,
            "completed": sum(counted.values()),
            **counted,
        }
        return Response({"job": shown})

    def _do_once(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """A client reads in the answer itself whether it is that of an earlier call."""
        response = super()._do_once(*args, **kwargs)
        if REPLAYED in response.headers:
            answer = json.loads(response.content)
            response.content = json.dumps({**answer, "replayed": True}).encode()
        return response

    bodiless_actions: ClassVar = {"retrieve"}


def _has_model() -> bool:
    try:
        require_model()
    except NeedsModel:
        return False
    return True
