"""Look for published vulnerabilities of the locked requirements: `make audit`.

pip-audit reports an unreachable database as packages that it skipped, and succeeds. Here, that is
an error: nothing was audited. Exit codes: 0, 1 for vulnerabilities, 2 if packages were not audited.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements-dev.lock", "requirements-binaries.lock", "requirements-multilingual.lock")
UNREACHABLE = (
    "Nothing was audited: no database of advisories can be reached. Run `make audit` on a machine "
    'that reaches pypi.org or, with ARGS="--vulnerability-service osv", api.osv.dev.'
)


def main(arguments: Sequence[str]) -> int:
    result = run_pip_audit(arguments)
    try:
        packages = json.loads(result.stdout)["dependencies"]
    except (ValueError, KeyError):
        lines = result.stderr.strip().splitlines()
        print(UNREACHABLE, *lines[-1:], sep="\n", file=sys.stderr)
        return 2
    return report(packages)


def run_pip_audit(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    files = [option for lock in LOCKS for option in ("--requirement", str(ROOT / lock))]
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--disable-pip", "--no-deps"]
    return subprocess.run(  # noqa: S603
        [*command, "--progress-spinner", "off", *files, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def report(packages: Iterable[dict[str, Any]]) -> int:
    """Print what pip-audit found out about each package. Returns the exit code."""
    audited = [package for package in packages if "vulns" in package]
    skipped = [package for package in packages if "vulns" not in package]
    if not audited:
        print(UNREACHABLE, file=sys.stderr)
        return 2
    vulnerabilities = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for package in audited
        for vulnerability in package["vulns"]
    ]
    print(f"{len(audited)} packages were audited and {len(vulnerabilities)} vulnerabilities found.")
    print(*vulnerabilities, sep="\n", end="\n" if vulnerabilities else "")
    for package in skipped:
        print(f"Not audited: {package['name']}: {package['skip_reason']}", file=sys.stderr)
    return 1 if vulnerabilities else 2 if skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
