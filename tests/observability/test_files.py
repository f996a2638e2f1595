"""The dashboard and the alerts are about metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from django.conf import settings
from prometheus_client import REGISTRY

from core.observability import metrics  # noqa: F401 - so that they are there
from operators.metrics_endpoint.collector import DatabaseCollector

FOLDER = Path(settings.BASE_DIR) / "docker" / "monitoring"
ENDINGS = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}


def dashboard() -> Iterator[tuple[str, str]]:
    for panel in json.loads((FOLDER / "grafana-dashboard.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            # Grafana puts a time in its place, according to what is shown.
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def alerts() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load((FOLDER / "openmemory-alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


EXPRESSIONS = [*dashboard(), *alerts()]


@pytest.fixture
def existing(db: None) -> set[str]:
    families = [*REGISTRY.collect(), *DatabaseCollector().collect()]
    return {
        family.name + ending for family in families for ending in ENDINGS.get(family.type, [""])
    }


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_an_expression_can_be_read(title, expression):
    promql_parser.parse(expression)


@pytest.mark.parametrize(("title", "expression"), EXPRESSIONS)
def test_an_expression_names_metrics_that_exist(title, expression, existing):
    named = set(re.findall(r"\b(?:openmemory_\w+|up)\b", expression))

    assert named
    assert named <= existing | {"up"}


def test_everything_that_is_measured_is_on_the_dashboard(existing):
    shown = " ".join(expression for _, expression in dashboard())
    measured = {
        re.sub("_(total|bucket|sum|count)$", "", name)
        for name in existing
        if name.startswith("openmemory_")
    }

    assert {name for name in measured if name not in shown} == {"openmemory_build_info"}


def test_every_alert_says_what_to_do():
    for group in yaml.safe_load((FOLDER / "openmemory-alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in ("critical", "warning")
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["description"]


def test_the_documentation_names_what_is_measured(existing):
    said = (Path(settings.BASE_DIR) / "docs" / "monitoring.md").read_text()
    named = set(re.findall(r"`(openmemory_\w+)`", said))

    assert named == {
        re.sub("_(bucket|sum|count)$", "", name)
        for name in existing
        if name.startswith("openmemory_")
    }
