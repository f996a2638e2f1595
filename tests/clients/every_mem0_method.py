"""Call every public method of Mem0's Python client, and print what each said, as JSON.

Run by a Python that has nothing but the client: `every_mem0_method.py URL KEY RIVAL_KEY`.
"""

import asyncio
import inspect
import json
import sys

from mem0 import AsyncMemoryClient, MemoryClient, __version__

if __version__.startswith("2."):
    from mem0.client.types import DeleteAllMemoryOptions

IS_OLDEST = __version__.startswith("0.")
HOOK = {"url": "https://example.org/", "name": "hook", "event_types": ["memory_add"]}


class Caller:
    """Calls a client by the names of its methods, and notes what each said."""

    def __init__(self, kind, url, key):
        self.client = (AsyncMemoryClient if kind == "async" else MemoryClient)(
            api_key=key, host=url
        )
        self.said = {}
        self._called = set()

    def __call__(self, name, /, *values, show=lambda answer: answer, label=None, **named):
        """What the method returned, or the name of the error that it raised."""
        self._called.add(name)
        parent = self.client
        for part in name.split("."):
            parent = getattr(parent, part)
        try:
            answer = parent(*values, **named)
            if inspect.isawaitable(answer):
                answer = LOOP.run_until_complete(answer)
            said = show(answer)
        except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
            answer = said = type(error).__name__
        self.said[label or name] = said
        return answer

    def uncalled(self):
        """The public methods that were not called."""
        own, project = (
            {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}
            for kind in (type(self.client), type(self.client.project))
        )
        return sorted((own | {f"project.{name}" for name in project}) - self._called)


def rows(answer):
    return answer["results"] if isinstance(answer, dict) else answer


def texts(answer):
    return [row["memory"] for row in rows(answer)]


def count(answer):
    return len(rows(answer))


def message(answer):
    return answer["message"]


def status(answer):
    return answer["status"]


def use(call, rival):
    ann = {"user_id": "ann"} if IS_OLDEST else {"filters": {"user_id": "ann"}}
    asked = {"filters": {"user_id": "ann"}}

    added = call("add", "I live in Bonn", user_id="ann", infer=False, show=texts)
    pk = rows(added)[0]["id"]
    call("get", pk, show=lambda row: [row["memory"], row["user_id"], row["agent_id"]])
    call("get_all", **ann, show=texts)
    call("search", "Where does Ann live?", **ann, show=texts)
    call("update", pk, text="I live in Oslo", metadata={"some_key": 1}, show=texts_and_metadata)
    call("history", pk, show=lambda lines: [line["event"] for line in lines])
    call("users", show=lambda answer: [row["name"] for row in answer["results"]])
    call("batch_update", [{"memory_id": pk, "text": "I live in Rome"}], show=message)
    call("feedback", memory_id=pk, feedback="POSITIVE", show=lambda answer: answer["feedback"])
    call("chat")

    call("create_memory_export", schema="{}", **asked)
    call("get_memory_export", memory_export_id=pk)
    call("get_summary", filters={"user_id": "ann"})
    if hasattr(call.client, "get_profile"):
        call("get_profile_settings", show=lambda answer: answer["enabled"])
        call("update_profile_settings", enabled=True)
        call("get_profile", "ann", show=status)
        call("generate_profile", "ann")
        call("sample_profiles", limit=1)
        call("get_profile_job", pk)

    brief = "Be brief."
    call("get_project", show=lambda answer: answer["custom_instructions"])
    call("update_project", custom_instructions=brief, show=message)
    call("project.get", show=lambda answer: answer["custom_instructions"])
    call("project.update", custom_instructions=brief, show=message)
    call("project.get_members", show=lambda answer: [row["role"] for row in answer["members"]])
    call("project.create", "another")
    call("project.add_member", "ann@example.org")
    call("project.update_member", "ann@example.org", "OWNER")
    call("project.remove_member", "ann@example.org")
    call("project.delete")

    project = call.client.project.config.project_id
    hook = call("create_webhook", project_id=project, **HOOK, show=lambda row: row["event_types"])
    call("get_webhooks", project_id=project, show=lambda hooks: [row["name"] for row in hooks])
    changed = {**HOOK, "name": "other", "webhook_id": hook["webhook_id"]}
    call("update_webhook", **changed, show=message)

    # Another account reaches none of it.
    rival("get", pk)
    rival("update", pk, text="x")
    rival("history", pk)
    rival("delete", pk)
    rival("batch_update", [{"memory_id": pk, "text": "x"}])
    rival("batch_delete", [{"memory_id": pk}])
    rival("feedback", memory_id=pk, feedback="NEGATIVE")
    rival("delete_users", user_id="ann")
    rival("get_webhooks", project_id=project)
    rival("update_webhook", **changed)
    rival("delete_webhook", webhook_id=hook["webhook_id"])
    rival("get_all", **ann, show=texts)
    rival("search", "Where does Ann live?", **ann, show=texts)
    rival("delete_all", user_id="ann", show=message)
    rival("users", show=lambda answer: answer["count"])
    rival("reset")
    call("get", pk, show=lambda row: row["memory"], label="still there")
    call("get_webhooks", project_id=project, show=len, label="still listening")

    call("delete_webhook", webhook_id=hook["webhook_id"], show=message)
    call("delete", pk, show=message)
    call("get", pk, label="get what is gone")
    call("get", "x", label="get what is no id")
    call("delete_all", label="delete_all of nobody")
    if __version__.startswith("2."):
        call("delete_all", options=DeleteAllMemoryOptions(**asked), label="delete_all by filters")
    second, third = (
        rows(call("add", text, user_id="al/ice ü", infer=False, label=text, show=count))[0]["id"]
        for text in ("I like tea", "I like rice")
    )
    call("batch_delete", [{"memory_id": second}], show=message)
    call("delete_all", user_id="al/ice ü", show=message)
    call("get", third, label="get what is deleted with all")
    call("delete_users", user_id="al/ice ü", show=message)
    call("add", "I like cake", user_id="ann", infer=True, label="add, inferred", show=count)
    call("reset", show=message)
    call("users", label="users after a reset", show=lambda answer: answer["count"])


def texts_and_metadata(row):
    return [row["memory"], row["metadata"]]


if __name__ == "__main__":
    LOOP = asyncio.new_event_loop()
    url, *keys = sys.argv[1:]
    outcomes = {}
    for kind in ("sync", "async"):
        client, other = (Caller(kind, url, key) for key in keys)
        use(client, other)
        outcomes[kind] = [client.said, other.said, client.uncalled()]
    try:
        MemoryClient(api_key="nonsense", host=url)
    except Exception as error:  # noqa: BLE001 - which one it is, is what is asked
        outcomes["wrong key"] = type(error).__name__
    print(json.dumps(outcomes))
