"""The fake model and embedder that `peers.py` gives to all servers alike.

    python benchmarks/peer_model.py PORT

It is the server's fake model, and also answers what the peers ask for in shapes of their own: the
last sentence of the prompt is the only fact. All run in one process, beside what is measured.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from live_server import CHECKOUT

# As `sample_data.Writer` writes them.
SENTENCE = re.compile(r"[A-Z]\w+ \w+ a \w+ with \w+ in \w+ and talked about the [^.\"\\]+\.")

Body = dict[str, Any]


def main() -> None:
    sys.path.insert(0, str(CHECKOUT))
    from configuration.fake import FakeServer, responses

    build_completion = responses.build_completion

    def complete(body: Body, fault: Any, dimensions: int) -> Body:
        completion = build_completion(body, fault, dimensions)
        answer = answer_of_a_peer(body)
        if answer is not None:
            completion["choices"][0]["message"]["content"] = json.dumps(answer)
        return completion

    responses.RESPONSES["/chat/completions"] = complete
    server = FakeServer(int(sys.argv[1]))
    print("ready", flush=True)
    server.serve_forever()


def answer_of_a_peer(body: Body) -> Body | None:
    """One fact in the shape of Mem0 or Hindsight, if one of them asks."""
    prompt = "\n".join(str(message.get("content", "")) for message in body["messages"])
    schema = json.dumps(body.get("response_format", {}))
    sentences = SENTENCE.findall(prompt)
    if "## New Messages" in prompt:
        return {"memory": [{"id": "0", "text": sentences[-1], "attributed_to": "user"}]}
    if '"what"' in prompt or '"what"' in schema:
        unknown = dict.fromkeys(("when", "where", "who", "why"), "N/A")
        facts = [
            {
                "what": sentence,
                **unknown,
                "fact_kind": "conversation",
                "fact_type": "world",
                "entities": [sentence.split()[0]],
            }
            for sentence in sentences[-1:]
        ]
        return {"facts": facts}
    return None


if __name__ == "__main__":
    main()
