"""Find the JSON in a model's output, and fit it to the requested schema.

The object may stand behind reasoning that has braces of its own, in a code block, within prose,
inside another object or in a string. The last object that fits counts, as drafts come before.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import json_repair

from .protocols import Answer
from .schema_fit import Fit, Misfit

# Characters. Longer output is rejected.
MAX_LENGTH = 1_000_000
# How many opening brackets may begin no JSON, and how many characters may be decoded for them.
MAX_FAILURES = 2_000
MAX_DECODED = 10 * MAX_LENGTH
# The last values of an output are looked into for the object that fits, and as many within each.
MAX_VALUES = 1_000
# Malformed JSON is only repaired up to this size, as the time it takes grows with the square.
MAX_REPAIRED_LENGTH = 16_384
MAX_REPAIRED_BRACKETS = 400

# How many characters of an error the model and the logs get.
_MAX_ERROR_LENGTH = 200

# What ends the reasoning that some models print before an answer.
_REASONING_END = re.compile(
    r"</(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)>"
    r"|\|endthink\||\[/THINK\]|<\|message\|>",
    re.IGNORECASE,
)
_CODE_BLOCK = re.compile(r"```[a-z0-9]*[ \t]*\n?(.*?)```", re.DOTALL | re.IGNORECASE)
_OPENING = re.compile(r"[\[{]")

_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda name: None)


class InvalidOutput(Exception):
    """The output has nothing that fits the schema. The message says why, to the model too."""


def parse_output(text: str, schema: Mapping[str, Any]) -> Answer:
    """Return the object in an output that fits the schema. Raises InvalidOutput."""
    if len(text) > MAX_LENGTH:
        raise InvalidOutput(f"The answer is longer than {MAX_LENGTH} characters.")
    values = list(deque(_decode_values(text), maxlen=MAX_VALUES))
    for value in reversed(values):
        if answer := _find_object(value, schema):
            return answer
    bare = _strip_surroundings(text)
    answer = (
        _fit_list(_decode(bare), schema)
        or _find_object(_repair(bare), schema)
        or _fit_items(values, schema)
        or _fit_renamed_list(values, schema)
    )
    if answer:
        return answer
    raise InvalidOutput(_explain(values, schema)[:_MAX_ERROR_LENGTH])


def _decode_values(text: str) -> Iterator[Any]:
    """Decode all objects and arrays in a text. Inside one that breaks off, those within it."""
    position = failures = decoded = 0
    while failures < MAX_FAILURES and decoded < MAX_DECODED:
        opening = _OPENING.search(text, position)
        if opening is None:
            return
        try:
            value, position = _DECODER.raw_decode(text, opening.start())
            yield value
        except json.JSONDecodeError as error:
            position, failures = opening.end(), failures + 1
            decoded += error.pos - opening.start()
        except (RecursionError, ValueError):  # too deep, or a number of too many digits
            position, failures = opening.end(), failures + 20


def _strip_surroundings(text: str) -> str:
    """Drop the reasoning before an answer, and the code block around it."""
    ends = [match.end() for match in _REASONING_END.finditer(text)]
    text = text[ends[-1] :] if ends else text
    block = _CODE_BLOCK.search(text)
    return (block[1] if block else text).strip()


def _decode(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (RecursionError, ValueError):
        return None


def _repair(text: str) -> Any:
    """Decode JSON with small mistakes: single quotes, comments, missing commas.

    What follows the last bracket is dropped: of an answer that was cut off, only whole items count.
    """
    opening, end = _OPENING.search(text), max(text.rfind("}"), text.rfind("]")) + 1
    brackets = len(_OPENING.findall(text))
    if not opening or end > MAX_REPAIRED_LENGTH or brackets > MAX_REPAIRED_BRACKETS:
        return None
    try:
        return json_repair.loads(text[opening.start() : end], skip_json_loads=True)
    except (RecursionError, ValueError):
        return None


def _find_object(value: Any, schema: Mapping[str, Any]) -> Answer | None:
    """The outermost object that fits, within other objects, arrays and strings."""
    names = set(schema["properties"])
    queue = deque([value])
    for _ in range(MAX_VALUES):
        if not queue:
            break
        value = queue.popleft()
        if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
            value = _decode(value)
        if isinstance(value, dict):
            # One of the same name may be inside: `{"facts": {"facts": []}}`.
            inner = [value[name] for name in names & value.keys() if isinstance(value[name], dict)]
            if not any(names & nested.keys() for nested in inner) and (
                answer := _fit(value, schema)
            ):
                return answer
            queue.extend(value.values())
        elif isinstance(value, list):
            queue.extend(value)
    return None


def _fit_list(value: Any, schema: Mapping[str, Any]) -> Answer | None:
    """The list alone stands for the object that has nothing else."""
    if isinstance(value, str):
        value = _decode(value)
    if len(schema["properties"]) == 1 and isinstance(value, list):
        [name] = schema["properties"]
        return _fit({name: value}, schema)
    return None


def _fit_items(values: list[Any], schema: Mapping[str, Any]) -> Answer | None:
    """Items of the list that stand alone: one a line, or those before an answer was cut off."""
    if len(schema["properties"]) != 1:
        return None
    [(name, array)] = schema["properties"].items()
    known = set(array.get("items", {}).get("properties", ()))
    # With other fields it is something else, such as the question that a model repeats.
    items = [v for v in values if isinstance(v, dict) and len(v) > 1 and v.keys() <= known]
    return _fit({name: items}, schema) if items else None


def _fit_renamed_list(values: list[Any], schema: Mapping[str, Any]) -> Answer | None:
    """The only list of an object, under another name: `{"memories": [{"text": "…"}]}`."""
    [array] = schema["properties"].values() if len(schema["properties"]) == 1 else [{}]
    known = set(array.get("items", {}).get("properties", ()))
    for value in reversed(values):
        inner = value.values() if isinstance(value, dict) else ()
        lists = [each for each in inner if isinstance(each, list)]
        if len(lists) != 1 or not all(isinstance(item, dict) for item in lists[0]):
            continue
        is_alike = any(known & item.keys() for item in lists[0])
        if is_alike and (answer := _fit_list(lists[0], schema)):
            return answer
    return None


def _fit(value: Any, schema: Mapping[str, Any]) -> Answer | None:
    fit = Fit()
    try:
        return Answer(fit.value(value, schema), fit.left_out)
    except Misfit:
        return None


def _explain(values: list[Any], schema: Mapping[str, Any]) -> str:
    """Say what is wrong, without the values themselves: the message is logged, too."""
    objects = [value for value in values if isinstance(value, dict)]
    if not objects:
        return "There is no JSON object in the answer."
    try:
        Fit().value(objects[-1], schema)
    except Misfit as misfit:
        return f"The JSON does not fit the schema: {misfit}."
    return "The JSON does not fit the schema."
