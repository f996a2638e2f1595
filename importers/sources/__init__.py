"""The importers, in the order in which they are asked whether a file is theirs."""

from __future__ import annotations

from importers.source import Source
from importers.source_file import SourceFile

from .chatgpt import ChatGPT
from .claude import Claude
from .csv_table import CsvTable
from .hindsight import Hindsight
from .markdown_folder import MarkdownFolder
from .mcp_graph import McpGraph
from .memory_service import MemoryService
from .plain_text import PlainText

ALL: tuple[Source, ...] = (
    ChatGPT(), Claude(), Hindsight(), McpGraph(), MemoryService(), MarkdownFolder(), CsvTable(),
    PlainText(),
)  # fmt: skip

SOURCES = {source.name: source for source in ALL}

AUTO = "auto"
NAMES = (AUTO, *SOURCES)


def choose_source(name: str, file: SourceFile) -> Source:
    """Get the source of a name, or the one that a file is from. Raises WrongSource."""
    if name != AUTO:
        return SOURCES[name]
    source = next((source for source in SOURCES.values() if source.detects(file)), None)
    if source is None:
        titles = ", ".join(source.title for source in SOURCES.values())
        file.refuse(f"What wrote this file is unknown. These can be read: {titles}.")
    return source
