"""The six commands of Anthropic's memory tool (`memory_20250818`) on memories by key.

The sentences are those that the tool's documentation gives, which models know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openmemory_client.client import Client
from openmemory_client.errors import NotFound, OpenMemoryError, PreconditionFailed
from openmemory_client.models import Memory

ROOT = "/memories"
MOST_LINES = 999_999
NUMBER_WIDTH = 6
TRIES = 5


class CommandFailed(Exception):
    """A command was not carried out. The model reads why."""


@dataclass(frozen=True)
class _File:
    text: str
    etag: str | None


class MemoryFiles:
    """Text files below `/memories`, each a memory whose key is its path there."""

    def __init__(self, client: Client, *, namespace: str = "memory_tool") -> None:
        self._client, self._namespace = client, namespace

    def view(self, path: str, view_range: list[int] | None = None) -> str:
        key = _key_of(path)
        file = self._read(key) if key else None
        if file is not None:
            return _number_lines(path, file.text, view_range)
        files = self._files_below(key)
        if key and not files:
            raise CommandFailed(f"The path {path} does not exist. Please provide a valid path.")
        return _list_folder(path.rstrip("/"), files)

    def create(self, path: str, file_text: str) -> str:
        key = _require_key(path)
        try:
            self._write(key, file_text, if_none_match="*")
        except PreconditionFailed:
            raise CommandFailed(f"Error: File {path} already exists") from None
        return f"File created successfully at: {path}"

    def str_replace(self, path: str, old_str: str, new_str: str = "") -> str:
        missing = f"Error: The path {path} does not exist. Please provide a valid path."
        key = _require_key(path)

        def edit(text: str) -> str:
            lines = [text[:place].count("\n") + 1 for place in _places(text, old_str)]
            if not lines:
                raise CommandFailed(
                    f"No replacement was performed, old_str `{old_str}` did not appear verbatim "
                    f"in {path}."
                )
            if len(lines) > 1:
                listed = ", ".join(map(str, lines))
                raise CommandFailed(
                    f"No replacement was performed. Multiple occurrences of old_str `{old_str}` in "
                    f"lines: {listed}. Please ensure it is unique"
                )
            return text.replace(old_str, new_str, 1)

        before, after = self._edit(key, edit, missing=missing)
        line = before[: before.find(old_str)].count("\n")
        return (
            "The memory file has been edited. Here is the snippet showing the change (with line "
            "numbers):\n" + _snippet(after, around=line)
        )

    def insert(self, path: str, insert_line: int, insert_text: str) -> str:
        missing = f"Error: The path {path} does not exist"

        def edit(text: str) -> str:
            lines = text.split("\n")
            if lines[-1] == "":
                lines.pop()
            if not 0 <= insert_line <= len(lines):
                raise CommandFailed(
                    f"Error: Invalid `insert_line` parameter: {insert_line}. It should be within "
                    f"the range of lines of the file: [0, {len(lines)}]"
                )
            lines.insert(insert_line, insert_text.rstrip("\n"))
            return "\n".join(lines) + "\n"

        self._edit(_require_key(path), edit, missing=missing)
        return f"The file {path} has been edited."

    def delete(self, path: str) -> str:
        key = _require_key(path, "Error: Cannot delete the /memories directory itself")
        below = self._files_below(key)
        keys = [key] if self._read(key) is not None else [f"{key}/{name}" for name in below]
        if not keys:
            raise CommandFailed(f"Error: The path {path} does not exist")
        for each in keys:
            self._remove(each)
        return f"Successfully deleted {path}"

    def rename(self, old_path: str, new_path: str) -> str:
        old = _require_key(old_path, "Error: Cannot rename the /memories directory itself")
        new = _require_key(new_path)
        file = self._read(old)
        moved = {"": file.text} if file else self._files_below(old)
        if not moved:
            raise CommandFailed(f"Error: The path {old_path} does not exist")
        taken = f"Error: The destination {new_path} already exists"
        if self._read(new) is not None or self._files_below(new):
            raise CommandFailed(taken)
        if f"{new}/".startswith(f"{old}/"):
            raise CommandFailed(f"Error: {new_path} is inside of {old_path}")
        names = {name: f"/{name}" if name else "" for name in moved}
        for name, text in moved.items():
            try:
                self._write(new + names[name], text, if_none_match="*")
            except PreconditionFailed:
                raise CommandFailed(taken) from None
        for name in moved:
            self._remove(old + names[name])
        return f"Successfully renamed {old_path} to {new_path}"

    def clear(self) -> str:
        for name in self._files_below(""):
            self._remove(name)
        return "All memory cleared"

    def _read(self, key: str) -> _File | None:
        try:
            memory = self._client.get_by_key(self._namespace, key)
        except NotFound:
            return None
        return _File(_text_of(memory), memory.etag)

    def _write(
        self, key: str, text: str, *, if_match: str | None = None, if_none_match: str | None = None
    ) -> None:
        """The server stores no text that shows nothing: such a file is in the metadata."""
        is_blank = not text.strip()
        try:
            self._client.put_by_key(
                self._namespace,
                key,
                f"{ROOT}/{key}" if is_blank else text,
                metadata={"blank": text} if is_blank else {},
                if_match=if_match,
                if_none_match=if_none_match,
            )
        except PreconditionFailed:
            raise
        except OpenMemoryError as error:
            raise CommandFailed(f"Error: {error.detail}") from error

    def _edit(self, key: str, edit: Callable[[str], str], *, missing: str) -> tuple[str, str]:
        """Edit a file as it is now, though others may edit it, too."""
        for _ in range(TRIES):
            file = self._read(key)
            if file is None:
                raise CommandFailed(missing)
            after = edit(file.text)
            try:
                self._write(key, after, if_match=file.etag)
            except PreconditionFailed:
                continue
            return file.text, after
        raise CommandFailed("Error: The file is being edited by others. Try again.")

    def _remove(self, key: str) -> None:
        try:
            self._client.delete_by_key(self._namespace, key)
        except NotFound:
            return

    def _files_below(self, key: str) -> dict[str, str]:
        """The texts of all files in a folder, by their paths in it."""
        start = f"{key}/" if key else ""
        memories = self._client.list(namespace=self._namespace)
        named = [(each.key or "", each) for each in memories if each.namespace == self._namespace]
        return {
            name.removeprefix(start): _text_of(each)
            for name, each in sorted(named, key=lambda pair: pair[0])
            if name.startswith(start)
        }


def _text_of(memory: Memory) -> str:
    return str(memory.metadata.get("blank", memory.text))


def _key_of(path: str) -> str:
    """The path below `/memories`; empty for that itself. Raises CommandFailed."""
    parts = path.split("/")
    if parts[:2] != ["", "memories"]:
        raise CommandFailed(f"Error: Path must start with /memories, got: {path}")
    below = [part for part in parts[2:] if part]
    if any(part in (".", "..") for part in below):
        raise CommandFailed(f"Error: Path {path} would escape /memories directory")
    return "/".join(below)


def _require_key(path: str, refusal: str | None = None) -> str:
    key = _key_of(path)
    if not key:
        raise CommandFailed(refusal or f"Error: {path} is a directory")
    return key


def _places(text: str, part: str) -> list[int]:
    if not part:
        return []
    found, start = [], text.find(part)
    while start >= 0:
        found.append(start)
        start = text.find(part, start + 1)
    return found


def _number_lines(path: str, text: str, view_range: list[int] | None) -> str:
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        raise CommandFailed(f"File {path} exceeds maximum line limit of 999,999 lines.")
    first, last = view_range if view_range and len(view_range) == 2 else (1, -1)
    first, last = max(1, first), len(lines) if last == -1 else last
    shown = _numbered(lines, first, min(last, len(lines)))
    return f"Here's the content of {path} with line numbers:\n{shown}"


def _snippet(text: str, *, around: int) -> str:
    lines = text.split("\n")
    return _numbered(lines, max(0, around - 2) + 1, min(len(lines), around + 3))


def _numbered(lines: list[str], first: int, last: int) -> str:
    return "\n".join(
        f"{number:>{NUMBER_WIDTH}}\t{lines[number - 1]}" for number in range(first, last + 1)
    )


def _list_folder(path: str, files: dict[str, str]) -> str:
    sizes: dict[str, int] = {"": 0}
    for name, text in files.items():
        parts = name.split("/")
        if any(part.startswith(".") or part == "node_modules" for part in parts):
            continue
        size = len(text.encode())
        sizes[""] += size
        for depth in range(1, min(len(parts), 2) + 1):
            shown = "/".join(parts[:depth]) + ("/" if depth < len(parts) else "")
            sizes[shown] = sizes.get(shown, 0) + size
    header = (
        f"Here're the files and directories up to 2 levels deep in {path}, excluding hidden items "
        "and node_modules:"
    )
    lines = [
        f"{_show_size(size)}\t{path}{'/' if name else ''}{name}"
        for name, size in sorted(sizes.items())
    ]
    return "\n".join([header, *lines])


def _show_size(size: int) -> str:
    number, unit = float(size), "B"
    for larger in "KMG":
        if number < 1024:
            break
        number, unit = number / 1024, larger
    return f"{int(number)}{unit}" if number == int(number) else f"{number:.1f}{unit}"
