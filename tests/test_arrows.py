"""Which app may import which: the arrows of CONTRIBUTING.md."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

EVERY_APP = {
    "core.admin",
    "core.argument_types",
    "core.api",
    "core.checks",
    "core.errors",
    "core.env",
}
EVERY_APP |= {"core.observability"}

ALLOWED = {
    "accounts": EVERY_APP,
    "apps_registry": EVERY_APP | {"accounts"},
    "configuration": EVERY_APP | {"accounts"},
    "jobs": EVERY_APP | {"accounts", "apps_registry"},
    "memories": EVERY_APP | {"accounts", "apps_registry", "configuration", "jobs"},
    "stats": EVERY_APP | {"accounts", "apps_registry", "memories"},
    "backups": EVERY_APP
    | {"accounts", "apps_registry", "configuration", "jobs", "memories", "core.logs"},
    "agents": EVERY_APP | {"accounts", "apps_registry", "memories", "embedded"},
    "operators": EVERY_APP
    | {"accounts", "apps_registry", "configuration", "jobs", "memories", "backups", "stats"}
    | {"agents", "embedded", "core.logs"},
    "core/admin": {"core.admin", "core.api", "core.errors"},
    "core/api": {"core.api", "core.errors", "core.env", "core.logs"},
}

OURS = {
    "accounts",
    "agents",
    "apps_registry",
    "backups",
    "configuration",
    "jobs",
    "memories",
    "openmemory",
    "operators",
    "stats",
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] in OURS}


@pytest.mark.parametrize("folder", ALLOWED)
def test_imports_follow_the_arrows(folder):
    app = folder.replace("/", ".")
    allowed = ALLOWED[folder] | {app}

    for path in (ROOT / folder).rglob("*.py"):
        for name in imports(path):
            assert any(name == top or name.startswith(f"{top}.") for top in allowed), (
                f"{path.relative_to(ROOT)} imports {name}"
            )
