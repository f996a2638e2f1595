"""The adapters of clients/python with the frameworks' own code. These are heavy, so it is opt-in.

`TEST_AGENT_FRAMEWORKS=1` installs them into a folder that later runs use again. LangGraph
has a file of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests import fences
from tests.clients.model_apis import FACT, model_apis
from tests.clients.registries import cached

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("TEST_AGENT_FRAMEWORKS") != "1", reason="TEST_AGENT_FRAMEWORKS is not 1"
    ),
]

SOURCE = Path(settings.BASE_DIR) / "clients" / "python" / "src"
DOCS = Path(settings.BASE_DIR) / "docs"
PACKAGES = [
    "httpx", "google-adk==2.13.0", "anthropic==2.14.0",
    "openai-agents==0.24.0", "llama-index-core==0.14.25",
]  # fmt: skip

TOOL = """
from openmemory_client import Client
from openmemory_client.adapters.anthropic import OpenMemoryTool
tool = OpenMemoryTool(Client())
print(tool.to_dict()["type"])
print(tool.call({"command": "create", "path": "/memories/a", "file_text": "one\\n"}))
print(tool.call({"command": "view", "path": "/memories/a"}))
try:
    tool.call({"command": "delete", "path": "/memories/b"})
except Exception as error:
    print(type(error).__name__, error)
"""

ADK = """
import asyncio
from google.adk.events import Event
from google.adk.sessions import InMemorySessionService
from google.genai import types
from openmemory_client import AsyncClient
from openmemory_client.adapters.google_adk import OpenMemoryService

async def use():
    async with AsyncClient() as client:
        memory, sessions = OpenMemoryService(client), InMemorySessionService()
        session = await sessions.create_session(app_name="my.app", user_id="ann@example.com")
        part = types.Part(text="My dog Rex is afraid of thunder")
        event = Event(author="user", content=types.Content(role="user", parts=[part]))
        await sessions.append_event(session, event)
        for _ in range(2):
            await memory.add_session_to_memory(session)
        for user in ("ann@example.com", "bo"):
            found = await memory.search_memory(app_name="my.app", user_id=user, query="Rex thunder")
            print(user, [each.content.parts[0].text for each in found.memories])

asyncio.run(use())
"""

OPENAI = """
import asyncio
from agents.run import CallModelData, ModelInputData
from openmemory_client import AsyncClient
from openmemory_client.adapters.openai_agents import memory_tools, recall_before_call

async def use():
    async with AsyncClient() as client:
        await client.add("Ann plays chess", infer=False)
        print([tool.name for tool in memory_tools(client)])
        asked = ModelInputData(input=[{"role": "user", "content": "chess"}], instructions="Be kind")
        data = CallModelData(model_data=asked, agent=None, context=None)
        print((await recall_before_call(client)(data)).instructions)

asyncio.run(use())
"""

LLAMA = """
import asyncio
from llama_index.core.llms import ChatMessage
from llama_index.core.memory import Memory
from openmemory_client import AsyncClient
from openmemory_client.adapters.llama_index import OpenMemoryBlock

async def use():
    async with AsyncClient() as client:
        memory = Memory.from_defaults(session_id="s", token_limit=100,
            chat_history_token_ratio=0.1, memory_blocks=[OpenMemoryBlock(client)])
        said = [("user", "My dog Rex fears thunder " * 4), ("assistant", "Poor Rex " * 12)]
        await memory.aput_messages([ChatMessage(role=role, content=text) for role, text in said])
        await memory.aput(ChatMessage(role="user", content="What does Rex fear?"))
        print([each.content for each in await memory.aget()])

asyncio.run(use())
"""

PRINTED = {
    "anthropic": (
        TOOL,
        ["memory_20250818", "     1\tone", "ToolError Error: The path /memories/b"],
    ),
    "adk": (ADK, ["ann@example.com ['My dog Rex is afraid of thunder']", "bo []"]),
    "openai": (OPENAI, ["['remember', 'search_memories']", "Be kind", "Ann plays chess"]),
    "llama": (LLAMA, ["My dog Rex fears thunder", "not instructions", "What does Rex fear?"]),
}


@pytest.fixture(scope="module")
def python() -> str:
    folder = cached("agent-frameworks")
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "-q", *PACKAGES], check=True)
        (folder / "complete").touch()
    return str(folder / "bin/python")


@pytest.fixture
def environment(shared_server: Any, request: pytest.FixtureRequest) -> dict[str, str]:
    body = {"user_id": request.node.name}
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOURCE),
        "OPENMEMORY_URL": shared_server.url,
        "OPENMEMORY_API_KEY": shared_server.call("POST", "/users", json=body)["api_key"],
    }


def output_of(*command: str, environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("framework", PRINTED)
def test_the_adapter_works_in_its_framework(framework, python, environment, tmp_path):
    program, expected = PRINTED[framework]

    printed = output_of(python, "-c", program, environment=environment, folder=tmp_path)

    assert [words for words in expected if words not in printed] == [], printed


PAGES = {
    "google-adk": f"Known: {FACT}\n",
    "memory-tool": "File created successfully at: /memories/likes.md",
    "openai-agents": f"The tool said: Remembered.\nKnown: {FACT}\n",
    "llama-index": "I like tea with milk, not coffee.",
}


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page, python, environment, tmp_path):
    [block] = [each for each in fences.read(DOCS / f"{page}.md") if each.language == "python"]
    program = block.code.replace('"http://127.0.0.1:8000", "om_..."', "")
    assert program != block.code

    with model_apis() as models:
        printed = output_of(
            python, "-c", program, environment=environment | models, folder=tmp_path
        )

    assert PAGES[page] in printed
