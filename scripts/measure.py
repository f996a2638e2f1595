"""Measure the production code: `python -m scripts.measure`.

It prints the size of files and functions, names of modules, broad excepts, and the imports between
packages. Tests, migrations and benchmarks are left out.
"""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import quantiles
from typing import Any

import grimp

ROOT = Path(__file__).resolve().parents[1]
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

# Names of modules that Django expects, or that every Django app may have.
DJANGO_NAMES = {
    "__init__", "admin", "apps", "base", "filters", "forms", "middleware", "models", "permissions",
    "serializers", "tests", "urls", "views",
}  # fmt: skip

Arrow = tuple[str, str]  # the importing and the imported package


@dataclass(frozen=True)
class Module:
    path: Path
    source: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def is_command(self) -> bool:
        return self.path.parent.name == "commands"

    @property
    def lines(self) -> int:
        return len(self.source.splitlines())

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(ast.parse(self.source)))

    def function_lengths(self) -> Iterator[int]:
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (node.end_lineno or node.lineno) - node.lineno + 1

    def broad_excepts(self) -> int:
        handlers = [node.type for node in self.nodes if isinstance(node, ast.ExceptHandler)]
        return sum(_is_broad(caught) for caught in handlers)


def _is_broad(caught: ast.expr | None) -> bool:
    return caught is None or (
        isinstance(caught, ast.Name) and caught.id in ("Exception", "BaseException")
    )


@dataclass(frozen=True)
class House:
    """The modules of the root packages, the imports between them, and their layers."""

    modules: list[Module]
    graph: grimp.ImportGraph
    contracts: list[dict[str, Any]]

    @classmethod
    def read(cls, root: Path = ROOT) -> House:
        config = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
        packages: list[str] = config["root_packages"]
        graph = grimp.build_graph(*packages, cache_dir=None)
        return cls(list(_read_modules(root, packages)), graph, config["contracts"])

    def gerunds(self) -> list[str]:
        """Modules with a name in -ing."""
        return sorted(_relative(module) for module in self.named() if module.name.endswith("ing"))

    def repeated_names(self) -> dict[str, int]:
        """Names of several modules, apart from Django's own."""
        counts = Counter(module.name for module in self.named())
        return {name: count for name, count in sorted(counts.items()) if count > 1}

    def named(self) -> list[Module]:
        """Modules whose name was a free choice."""
        return [
            module
            for module in self.modules
            if module.name not in DJANGO_NAMES and not module.is_command
        ]

    def arrows(self, container: str = "") -> set[Arrow]:
        """Imports between the children of a package, or between the root packages."""
        arrows = set()
        for importer in self.graph.modules:
            for imported in self.graph.find_modules_directly_imported_by(importer):
                arrow = (_child(importer, container), _child(imported, container))
                if "" not in arrow and arrow[0] != arrow[1] and ".migrations" not in importer:
                    arrows.add(arrow)
        return arrows

    def rooms(self, container: str = "") -> set[str]:
        """The children of a package, or the root packages."""
        return {_child(module, container) for module in self.graph.modules} - {"", "migrations"}

    def upward_arrows(self, container: str = "") -> list[Arrow]:
        """Imports from a lower layer, or from the same one, against the contracts."""
        [layers] = [
            contract["layers"]
            for contract in self.contracts
            if contract["type"] == "layers" and container in contract.get("containers", [""])
        ]
        level = {
            name.strip(): number
            for number, layer in enumerate(layers)
            for name in layer.replace(":", "|").split("|")
        }
        return sorted(
            (importer, imported)
            for importer, imported in self.arrows(container)
            if importer in level and imported in level and level[importer] >= level[imported]
        )


def _read_modules(root: Path, packages: Iterable[str]) -> Iterator[Module]:
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield Module(path.relative_to(root), path.read_text())


def _relative(module: Module) -> str:
    return str(module.path)


def _child(module: str, container: str) -> str:
    """Return the name of the child of the container that has the module, or nothing."""
    prefix = f"{container}." if container else ""
    return module.removeprefix(prefix).split(".")[0] if module.startswith(prefix) else ""


def report(house: House) -> Iterator[str]:
    modules, named = house.modules, house.named()
    lengths = [length for module in modules for length in module.function_lengths()]
    deciles = quantiles(lengths, n=10, method="inclusive")
    long_functions = sum(length > MAX_FUNCTION_LINES for length in lengths)
    long_files = [_relative(module) for module in modules if module.lines > MAX_FILE_LINES]
    gerunds, repeated = house.gerunds(), house.repeated_names()

    yield f"files             {len(modules)} with {sum(module.lines for module in modules)} lines"
    yield f"functions         {len(lengths)}, p50 {deciles[4]:.0f}, p90 {deciles[8]:.0f} lines"
    yield f"long functions    {long_functions} over {MAX_FUNCTION_LINES} lines"
    yield f"long files        {len(long_files)} over {MAX_FILE_LINES} lines {_listed(long_files)}"
    yield f"names in -ing     {len(gerunds) / len(named):.1%}: {len(gerunds)} {_listed(gerunds)}"
    names = [f"{name} {count}" for name, count in repeated.items()]
    yield f"repeated names    {len(repeated)} {_listed(names)}"
    yield f"broad excepts     {sum(module.broad_excepts() for module in modules)}"
    for container in ("", "memories"):
        upward = [" -> ".join(arrow) for arrow in house.upward_arrows(container)]
        rooms, arrows = len(house.rooms(container)), len(house.arrows(container))
        yield (
            f"{f'inside {container}' if container else 'the house':17} {rooms} rooms, "
            f"{arrows} arrows, {len(upward)} upward {_listed(upward)}"
        )


def _listed(names: list[str]) -> str:
    return f"({', '.join(names)})" if names else ""


def main() -> None:
    for line in report(House.read()):
        print(line.rstrip())


if __name__ == "__main__":
    main()
