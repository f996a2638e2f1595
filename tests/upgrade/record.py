"""Record what this release writes, for later ones to be tested against.

    python -m tests.upgrade.record 2026-11-24

makes `tests/upgrade/2026-11-24/before.sql` and `after.sql`, the statements of one user and of a
second one, and prints what to add to `released.json`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

NUMBER = re.compile(r"-?\d+\.\d{5,}(?:e-?\d+)?(?=[,\]])")


def main(release: str) -> None:
    with tempfile.TemporaryDirectory(prefix="om-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "openmemory.settings"}
        os.environ |= {"OPENMEMORY_STATE_DIR": folder, "OPENMEMORY_DATABASE_POOL": "0"}
        import django

        django.setup()
        from django.conf import settings
        from django.core.management import call_command

        from embedded import stack

        services = stack.required_services(settings.STATE_DIR, database_url="", redis_url="")
        with stack.running("record", settings.STATE_DIR, services):
            call_command("migrate", verbosity=0)
            for name, user in (("before", "ada"), ("after", "bea")):
                path = Path(__file__).parent / release / f"{name}.sql"
                path.parent.mkdir(exist_ok=True)
                path.write_text("".join(f"{line}\n" for line in recorded(user)))
            print(json.dumps({release: {"last migrations": leafs()}}, indent=2))


def recorded(user: str) -> list[str]:
    """The statements by which a user comes, writes and reads, one a line."""
    from django.db import connection
    from psycopg import ClientCursor

    lines = []

    def record(execute: Callable, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if not statement.startswith(("SELECT", "SAVEPOINT", "RELEASE", "SET")):
            with ClientCursor(connection.connection) as cursor:
                complete = cursor.mogrify(statement, parameters)
            complete = NUMBER.sub(lambda number: f"{float(number[0]):.4f}", complete)
            lines.append(re.sub(r"\s+", " ", complete))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(record):
        use(user)
    return lines


def use(name: str) -> None:
    from django.test import Client

    from accounts.models import ApiKey, User

    user = User.objects.create_user(name)
    user.is_staff = True
    user.save()
    _, key = ApiKey.objects.issue(user=user, name="first")
    client = Client(headers={"Authorization": f"Bearer {key}", "Host": "localhost"})

    def call(method: str, path: str, body: Any = None) -> Any:
        answer = client.generic(method, f"/api/v1{path}", json.dumps(body), "application/json")
        assert answer.status_code < 300, (path, answer.content)
        return answer.json()

    def remember(text: str, app: str) -> Any:
        return call("POST", "/memories", {"text": text, "app": app, "metadata": {"of": name}})["id"]

    dog = remember(f"The dog of {name} is called Rex", f"notes of {name}")
    home = remember(f"{name} lives in Porto, and works as a carpenter", f"notes of {name}")
    hobby = remember(f"{name} paints on Sundays", f"letters of {name}")
    call("POST", "/memories/search", {"query": "Where does she live?"})
    call("PUT", f"/memories/{dog}", {"memory_content": f"The cat of {name} is called Tom"})
    call("POST", "/memories/actions/pause", {"memory_ids": [home], "state": "paused"})
    call("POST", "/memories/actions/archive", {"memory_ids": [hobby]})
    call("DELETE", f"/memories/{hobby}")
    app = call("GET", "/apps")["apps"][0]["id"]
    call("PUT", f"/apps/{app}?is_active=false")
    call("POST", "/keys", {"name": "second"})
    call("PUT", "/config/mem0/llm", {"provider": "ollama", "config": {"model": "llama3.1"}})
    call("PUT", f"/apps/{app}?is_active=true")
    remember(f"{name} moved to Braga", f"notes of {name}")  # which a job is to look at
    call("PUT", "/config/mem0/llm", {"provider": "local"})


def leafs() -> dict[str, str]:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    last: dict[str, str] = {}
    for app, name in MigrationRecorder(connection).applied_migrations():
        last[app] = max(last.get(app, ""), name)
    return last


if __name__ == "__main__":
    main(sys.argv[1])
