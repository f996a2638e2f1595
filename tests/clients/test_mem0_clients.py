"""Mem0's own clients, unmodified, against a running server: told its host and a key, no more."""

from __future__ import annotations

import shutil
import sys

import pytest

from .registries import NPM, cached, install, run

PYTHON_PACKAGES = ["mem0ai==2.2.1"]
NODE_PACKAGES = ["mem0ai@3.3.1"]

# What the client needs when it is imported, beside itself.
PYTHON_DEPENDENCIES = [
    "httpx",
    "pydantic",
    "posthog",
    "pytz",
    "openai",
    "qdrant-client",
    "sqlalchemy",
]

PYTHON = """
import asyncio, json, sys
from mem0 import AsyncMemoryClient, MemoryClient
from mem0.client.types import DeleteAllMemoryOptions

host, key = sys.argv[1:]
said = {}
def refused(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__

client = MemoryClient(api_key=key, host=host)
ann = {"user_id": "ann"}
added = client.add("I live in Bonn", user_id="ann", agent_id="cook", infer=False)
pk = added["results"][0]["id"]
said["add"] = added["status"]
said["get"] = client.get(pk)["memory"]
said["list"] = client.get_all(filters=ann)["count"]
said["search"] = client.search("Where does Ann live?", filters=ann)["results"][0]["id"] == pk
said["update"] = client.update(pk, text="I live in Oslo")["memory"]
said["history"] = [each["event"] for each in client.history(pk)]
said["users"] = sorted(each["name"] for each in client.users()["results"])
said["batch"] = client.batch_update([{"memory_id": pk, "text": "I live in Rome"}])["message"]
said["project"] = client.project.update(custom_instructions="Be brief")["custom_instructions"]
said["feedback"] = client.feedback(memory_id=pk, feedback="POSITIVE")["feedback"]
said["filters"] = refused(lambda: client.delete_all(DeleteAllMemoryOptions(filters=ann)))
said["export"] = refused(lambda: client.create_memory_export(schema="{}", filters=ann))
said["left"] = client.get_all(filters=ann)["count"]
said["delete"] = client.delete(pk)["message"]
said["unknown"] = refused(lambda: client.get(pk))
said["malformed"] = refused(lambda: client.get("x"))
said["wrong key"] = refused(lambda: MemoryClient(api_key="nonsense", host=host))
client.add("Odd", user_id="al/ice ü", infer=False)
client.delete_users(user_id="al/ice ü")

async def use():
    client = AsyncMemoryClient(api_key=key, host=host)
    await client.add("I like tea", user_id="ann", infer=False)
    return (await client.search("tea", filters=ann))["results"][0]["memory"]

said["async"] = asyncio.run(use())
client.reset()
said["reset"] = client.users()["count"]
print(json.dumps(said))
"""

NODE = """
import mem0 from 'mem0ai';
const MemoryClient = mem0.default ?? mem0.MemoryClient ?? mem0;
const [host, apiKey] = process.argv.slice(2);
const client = new MemoryClient({apiKey, host});
const refused = (call) => call().catch((error) => error.name);
const ann = {user_id: 'ann'};
const said = {};
const messages = [{role: 'user', content: 'I live in Bonn'}];
const options = {userId: 'ann', infer: false, metadata: {some_key: 1}};
const added = await client.add(messages, options);
const id = added.results[0].id;
said.add = added.status;
said.get = (await client.get(id)).memory;
said.metadata = (await client.get(id)).metadata;
said.list = (await client.getAll({filters: ann})).count;
said.camel = (await client.getAll({filters: {userId: 'ann'}})).count;
said.search = (await client.search('Where does Ann live?', {filters: ann})).results[0].id === id;
said.update = (await client.update(id, {text: 'I live in Oslo'})).memory;
said.history = (await client.history(id)).map((each) => each.event);
said.users = (await client.users()).results.map((each) => each.name);
said.filters = await refused(() => client.deleteAll({filters: ann}));
said.left = (await client.getAll({filters: ann})).count;
said.delete = (await client.delete(id)).message;
said.unknown = await refused(() => client.get(id));
said.deleteUsers = (await client.deleteUsers({userId: 'ann'})).message;
console.log(JSON.stringify(said));
process.exit(0);
"""


@pytest.fixture
def key(shared_server, request):
    body = {"user_id": f"account-{request.node.name}"}
    return shared_server.call("POST", "/users", json=body)["api_key"]


def test_the_python_client(shared_server, key, tmp_path):
    folder = cached("python")
    pip = (sys.executable, "-m", "pip", "install", "-q", "--target", str(folder))
    install(folder, *pip, *PYTHON_PACKAGES, *PYTHON_DEPENDENCIES)
    program = tmp_path / "program.py"
    program.write_text(PYTHON)

    said = run(
        sys.executable, "-S", str(program), shared_server.url, key,
        PYTHONPATH=str(folder), MEM0_DIR=str(tmp_path), HOME=str(tmp_path),
    )  # fmt: skip

    assert said == {
        "add": "SUCCEEDED",
        "get": "I live in Bonn",
        "list": 1,
        "search": True,
        "update": "I live in Oslo",
        "history": ["ADD", "UPDATE"],
        "users": ["ann", "cook"],
        "batch": "Successfully updated 1 memories",
        "project": "Be brief",
        "feedback": "POSITIVE",
        "filters": "ValidationError",
        "export": "ValidationError",
        "left": 1,
        "delete": "Memory deleted successfully!",
        "unknown": "MemoryNotFoundError",
        "malformed": "ValidationError",
        "wrong key": "ValueError",
        "async": "I like tea",
        "reset": 0,
    }


@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no Node here")
def test_the_javascript_client(shared_server, key, tmp_path):
    folder = cached("node")
    install(folder, *NPM, *NODE_PACKAGES)
    program = folder / "program.mjs"
    program.write_text(NODE)

    said = run("node", str(program), shared_server.url, key, HOME=str(tmp_path))

    assert said == {
        "add": "SUCCEEDED",
        "get": "I live in Bonn",
        "metadata": {"some_key": 1},
        "list": 1,
        "camel": 1,
        "search": True,
        "update": "I live in Oslo",
        "history": ["ADD", "UPDATE"],
        "users": ["ann"],
        "filters": "ValidationError",
        "left": 1,
        "delete": "Memory deleted successfully!",
        "unknown": "MemoryNotFoundError",
        "deleteUsers": "Entity deleted successfully.",
    }
