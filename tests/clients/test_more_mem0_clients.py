"""Mem0's command lines, n8n's node and the Vercel provider: told the host and a key, no more."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from .mem0_packages import install_node_packages, install_python_packages
from .registries import cached, find_certificates, run

pytestmark = pytest.mark.slow

N8N = """
const {Mem0} = require('@mem0/n8n-nodes-mem0/dist/nodes/Mem0/Mem0.node.js');
const [host, apiKey] = process.argv.slice(2);
const request = async function (name, options) {
  const url = new URL(options.url);
  for (const [name, value] of Object.entries(options.qs ?? {})) url.searchParams.set(name, value);
  const headers = {Authorization: `Token ${apiKey}`, 'Content-Type': 'application/json'};
  const body = options.body && JSON.stringify(options.body);
  const answer = await fetch(url, {method: options.method, headers, body});
  const data = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(data.detail), {httpCode: answer.status});
  return data;
};
async function run(parameters) {
  const find = (name) => name.split('.').reduce((value, key) => value?.[key], parameters);
  const context = {
    getInputData: () => [{json: {}}],
    getCredentials: async () => ({apiKey, baseUrl: host}),
    getNodeParameter: (name, index, fallback) => find(name) ?? fallback,
    getNode: () => ({name: 'Mem0', type: 'mem0', parameters: {}}),
    continueOnFail: () => false,
    helpers: {
      returnJsonArray: (data) => [data].flat().map((json) => ({json})),
      constructExecutionMetaData: (items) => items,
      httpRequestWithAuthentication: request,
    },
  };
  return (await new Mem0().execute.call(context))[0].map((each) => each.json);
}
(async () => {
  const message = [{role: 'user', content: 'I live in Cairo'}];
  const add = {operation: 'add', messages: {message}, userId: 'nate', waitForCompletion: true};
  const said = {};
  const [{id}] = await run({...add, addFields: {infer: false}});
  const other = [{role: 'user', content: 'I own a boat'}];
  said.inferred = (await run({...add, messages: {message: other}})).length;
  const search = {operation: 'search', query: 'Where do I live?', userId: 'nate'};
  said.search = (await run(search))[0].id === id;
  const all = {operation: 'getAll', returnAll: true, userId: 'nate', pageSize: 1};
  said.all = (await run(all)).length;
  said.update = (await run({operation: 'update', memoryId: id, text: 'I live in Giza'}))[0].memory;
  said.delete = (await run({operation: 'delete', memoryId: id}))[0].message;
  said.gone = await run({operation: 'get', memoryId: id}).catch((error) => String(error.httpCode));
  console.log(JSON.stringify(said));
})();
"""

VERCEL = """
import {addMemories, getMemories, searchMemories, retrieveMemories} from '@mem0/vercel-ai-provider';
const [host, mem0ApiKey] = process.argv.slice(2);
const config = {user_id: 'vera', mem0ApiKey, host};
const content = [{type: 'text', text: 'I live in Hanoi'}];
const question = 'Where do I live?';
const added = await addMemories([{role: 'user', content}], {...config, infer: false});
const said = {add: added.status};
said.search = (await searchMemories(question, config)).results[0].memory;
said.get = (await getMemories(question, config))[0].memory;
said.retrieve = (await retrieveMemories(question, config)).includes('Hanoi');
console.log(JSON.stringify(said));
process.exit(0);
"""


@pytest.fixture(scope="module")
def node():
    return install_node_packages()


@pytest.mark.parametrize("is_python", [True, False], ids=["python", "node"])
def test_a_command_line(shared_server, keys, tmp_path, is_python, request):
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "MEM0_TELEMETRY": "false",
        "MEM0_BASE_URL": shared_server.url,
    }
    if is_python:
        folder = cached("mem0-cli")
        install_python_packages(folder, "mem0-cli==0.2.13")
        program = [sys.executable, "-S", "-m", "mem0_cli"]
        environment["PYTHONPATH"] = str(folder)
    else:
        program = [str(request.getfixturevalue("node") / "node_modules/.bin/mem0")]

    def call(*words: str) -> dict:
        done = subprocess.run(
            [*program, *words], capture_output=True, text=True, env=environment, timeout=60,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        text = done.stdout
        return json.loads(text[text.index("{") :]) if "--json" in words else {}

    call("init", "--api-key", keys[0], "--user-id", "cli")
    assert call("--json", "status")["data"]["connected"] is True
    added = call("--json", "add", "I live in Lima", "--user-id", "cli", "--no-infer")
    [entry] = added["data"]
    pk = entry["id"]
    assert call("--json", "search", "Where?", "--user-id", "cli")["status"] == "success"
    assert call("--json", "list", "--user-id", "cli")["count"] == 1
    assert call("--json", "update", pk, "I live in Quito")["data"]["memory"] == "I live in Quito"
    assert call("--json", "get", pk)["data"]["memory"] == "I live in Quito"
    assert call("--json", "entity", "list", "users")["data"][0]["name"] == "cli"
    [*_, event] = call("--json", "event", "list")["data"]
    assert call("--json", "event", "status", event["id"])["data"]["status"] == "SUCCEEDED"
    assert call("--json", "delete", pk, "--force")["status"] == "success"
    call("--json", "add", "I live in Cuzco", "--user-id", "cli", "--no-infer")
    assert call("--json", "delete", "--all", "--user-id", "cli", "--force")["status"] == "success"
    assert call("--json", "list", "--user-id", "cli")["count"] == 0
    call("--json", "entity", "delete", "--user-id", "cli", "--force")
    assert call("--json", "entity", "list", "users")["count"] == 0


def test_the_node_of_n8n(shared_server, keys, node):
    program = node / "n8n.cjs"
    program.write_text(N8N)

    assert run("node", str(program), shared_server.url, keys[0], **find_certificates()) == {
        "inferred": 1,
        "search": True,
        "all": 2,
        "update": "I live in Giza",
        "delete": "Memory deleted successfully!",
        "gone": "404",
    }


def test_the_provider_of_vercel(shared_server, keys, node):
    program = node / "vercel.mjs"
    program.write_text(VERCEL)

    assert run("node", str(program), shared_server.url, keys[0]) == {
        "add": "SUCCEEDED",
        "search": "I live in Hanoi",
        "get": "I live in Hanoi",
        "retrieve": True,
    }
