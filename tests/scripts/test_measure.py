"""The measures of the code, and the limits that they have to stay within."""

import subprocess
import sys

import pytest

from scripts import measure
from scripts.measure import House, Module, report

pytestmark = pytest.mark.slow

MAX_GERUNDS = 0.08  # of the modules
MAX_REPEATED_NAMES = 14


@pytest.fixture(scope="module")
def house() -> House:
    return House.read()


def test_it_prints_a_line_for_each_measure():
    command = [sys.executable, "-m", "scripts.measure"]

    printed = subprocess.run(command, cwd=measure.ROOT, capture_output=True, text=True, check=True)

    assert [line[:17].rstrip() for line in printed.stdout.splitlines()] == [
        "files",
        "functions",
        "long functions",
        "long files",
        "names in -ing",
        "repeated names",
        "broad excepts",
        "the house",
        "inside memories",
    ]


def test_few_modules_are_named_in_ing(house: House):
    assert len(house.gerunds()) / len(house.named()) < MAX_GERUNDS, house.gerunds()


def test_few_names_of_modules_are_repeated(house: House):
    assert len(house.repeated_names()) <= MAX_REPEATED_NAMES, house.repeated_names()


def test_no_package_of_the_house_imports_one_above_it(house: House):
    assert house.upward_arrows() == []


def test_an_import_from_below_is_upward(house: House):
    house.graph.add_import(importer="core.sql", imported="memories.models")

    assert ("core", "memories") in house.upward_arrows()
    house.graph.remove_import(importer="core.sql", imported="memories.models")


def test_functions_are_counted_in_lines_and_excepts_by_what_they_catch(tmp_path):
    source = (
        "def one(): pass\n"
        "async def three():\n"
        "    def inner():\n"
        "        return 1\n"
        "try: pass\n"
        "except Exception: pass\n"
        "try: pass\n"
        "except ValueError: pass\n"
        "try: pass\n"
        "except: pass\n"
    )
    module = Module(tmp_path / "sample.py", source)

    assert sorted(module.function_lengths()) == [1, 2, 3]
    assert module.broad_excepts() == 2
    assert module.lines == 10


def test_the_report_lists_what_is_repeated(house: House):
    [line] = [line for line in report(house) if line.startswith("repeated names")]

    assert all(f"{name} {count}" in line for name, count in house.repeated_names().items())
