"""The adapters of clients/python with the frameworks' own code. These are heavy, so it is opt-in.

`TEST_AGENT_FRAMEWORKS=1` installs them into a folder that later runs use again. With
`LANGGRAPH_CHECKOUT=FOLDER`, LangGraph's own tests of stores are run, too.
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
    "httpx", "langgraph==1.2.24", "google-adk==2.13.0", "anthropic==2.14.0",
    "openai-agents==0.24.0", "llama-index-core==0.14.25", "pytest", "pytest-asyncio", "pytest-mock",
]  # fmt: skip

# LangGraph's file of tests builds InMemoryStores; these take their place.
SHIM = """
import os, uuid
from openmemory_client import Client
from openmemory_client.adapters.langgraph import OpenMemoryStore

class InMemoryStore(OpenMemoryStore):
    def __init__(self, *, index=None):
        client = Client(os.environ["OPENMEMORY_URL"], os.environ["OPENMEMORY_API_KEY"])
        root = "test-" + uuid.uuid4().hex
        super().__init__(client, root=root, index=(index or {}).get("fields"))
        self.index_config = index
"""

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


def test_the_page_about_langgraph_runs(python, environment, tmp_path):
    [block] = [each for each in fences.read(DOCS / "langgraph.md") if each.language == "python"]
    program = block.code.replace('"http://127.0.0.1:8000", "om_..."', "")

    printed = output_of(python, "-c", program, environment=environment, folder=tmp_path)

    assert printed.strip() == "Ann likes tea"


@pytest.mark.skipif("LANGGRAPH_CHECKOUT" not in os.environ, reason="LANGGRAPH_CHECKOUT is not set")
def test_langgraphs_own_tests_of_stores_pass(python, environment, tmp_path):
    theirs = Path(os.environ["LANGGRAPH_CHECKOUT"]) / "libs" / "checkpoint" / "tests"
    folder = tmp_path / "tests"
    folder.mkdir()
    shutil.copy(theirs / "embed_test_utils.py", folder)
    (folder / "__init__.py").touch()
    (folder / "shim.py").write_text(SHIM)
    text = (theirs / "test_store.py").read_text()
    text = text.replace("from langgraph.store.memory import", "from tests.shim import")
    (folder / "test_store.py").write_text(text)
    environment["PYTHONPATH"] += f":{tmp_path}"

    command = [python, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "tests/test_store.py"]
    printed = output_of(*command, environment=environment, folder=tmp_path)

    assert "24 passed" in printed
