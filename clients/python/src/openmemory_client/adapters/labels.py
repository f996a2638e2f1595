"""Names of any characters as parts of a namespace."""

from __future__ import annotations

from collections.abc import Iterable


def join_labels(labels: Iterable[str]) -> str:
    """Join parts of a namespace, whatever they hold: a part may have a dot."""
    return ".".join(_escape(label) for label in labels)


def split_labels(namespace: str) -> tuple[str, ...]:
    return tuple(_unescape(label) for label in namespace.split("."))


def _escape(label: str) -> str:
    return label.replace("%", "%25").replace(".", "%2E").replace("/", "%2F") or "%00"


def _unescape(label: str) -> str:
    if label == "%00":
        return ""
    return label.replace("%2F", "/").replace("%2E", ".").replace("%25", "%")
