"""clients/typescript: compiled strictly, and the page about it run by Node against a server."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.clients.registries import cached, install, run

PACKAGE = Path(settings.BASE_DIR) / "clients" / "typescript"
GUIDE = Path(settings.BASE_DIR) / "docs" / "typescript.md"

MORE = """
const at = ["users", "ann"];
await client.putByKey(at, "a/b ü", "Keyed");
const keyed = await client.getByKey("users.ann", "a/b ü");
const refused = await client
  .putByKey(at, "a/b ü", "x", {}, { ifNoneMatch: "*" })
  .catch((error) => error.name + " " + error.status);
const elsewhere = await client.deleteByKey("..", stored.id).catch((error) => error.code);
let calls = 0;
const flaky = new Client({
  url: URL_OF_SERVER,
  key: KEY,
  fetch: async (input, init) => {
    const response = await fetch(input, init);
    if (calls++ === 0) throw new TypeError("lost");
    return response;
  },
});
const again = await flaky.add("Sent twice", { infer: false });
console.log(JSON.stringify({
  keyed: keyed.text,
  refused,
  elsewhere,
  namespaces: await client.namespaces("users").all(),
  calls,
  stored: (await client.list({ search_query: "Sent twice" }).all())
    .map((each) => each.id === again.id),
  apps: (await client.apps().all()).length,
  history: (await client.history(stored.id).all()).length,
}));
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="there is no Node here")
def test_the_page_runs_as_it_is_written(shared_server: Any, tmp_path: Path) -> None:
    compiler = cached("typescript")
    options = ("--no-audit", "--no-fund", "--ignore-scripts")
    install(compiler, "npm", "install", "--prefix", str(compiler), *options, "typescript@5.9.3")
    built = tmp_path / "node_modules" / "openmemory-client"
    tsc = compiler / "node_modules" / "typescript" / "bin" / "tsc"
    command = ["node", str(tsc), "-p", str(PACKAGE), "--outDir", str(built / "dist")]
    compiled = subprocess.run(command, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout
    shutil.copy(PACKAGE / "package.json", built)
    key = shared_server.call("POST", "/users", json={"user_id": "typescript"})["api_key"]
    [block] = re.findall(r"```javascript\n(.*?)```", GUIDE.read_text(), re.S)
    more = MORE.replace("URL_OF_SERVER", f'"{shared_server.url}"').replace("KEY", f'"{key}"')
    program = tmp_path / "program.mjs"
    block = block.replace("http://127.0.0.1:8000", shared_server.url).replace("om_...", key)
    program.write_text(block + more)

    said = run("node", str(program), HOME=str(tmp_path))

    assert said == {
        "keyed": "Keyed",
        "refused": "PreconditionFailed 412",
        "elsewhere": "invalid_address",
        "namespaces": [{"namespace": "users.ann", "count": 1}],
        "calls": 2,
        "stored": [True],
        "apps": 2,
        "history": 2,
    }
