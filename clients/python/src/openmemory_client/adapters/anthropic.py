"""Anthropic's memory tool, for `client.beta.messages.tool_runner`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anthropic.lib.tools import BetaAbstractMemoryTool, ToolError

from openmemory_client.client import Client

from .memory_files import CommandFailed, MemoryFiles


class OpenMemoryTool(BetaAbstractMemoryTool):
    """The tool `memory_20250818`, whose files are memories."""

    def __init__(self, client: Client, *, namespace: str = "memory_tool", **options: Any) -> None:
        super().__init__(**options)
        self.files = MemoryFiles(client, namespace=namespace)

    def view(self, command: Any) -> str:
        return _run(self.files.view, command.path, command.view_range)

    def create(self, command: Any) -> str:
        return _run(self.files.create, command.path, command.file_text)

    def str_replace(self, command: Any) -> str:
        new_str = getattr(command, "new_str", None) or ""
        return _run(self.files.str_replace, command.path, command.old_str, new_str)

    def insert(self, command: Any) -> str:
        return _run(self.files.insert, command.path, command.insert_line, command.insert_text)

    def delete(self, command: Any) -> str:
        return _run(self.files.delete, command.path)

    def rename(self, command: Any) -> str:
        return _run(self.files.rename, command.old_path, command.new_path)

    def clear_all_memory(self) -> str:
        return self.files.clear()


def _run(command: Callable[..., str], *arguments: Any) -> str:
    try:
        return command(*arguments)
    except CommandFailed as error:
        raise ToolError(str(error)) from error
