#!/usr/bin/env python3
"""Give an agent what is remembered before a turn, and remember what was said after it.

    openmemory-hook recall|capture --client NAME   called by the hooks of an agent
    openmemory-hook flush                          send what waits
    openmemory-hook status [--json]                what is set, waits, was withheld or went wrong
    openmemory-hook uninstall [CLIENT ...]         remove it, by default from everywhere

A hook never fails and never waits: an agent's turn goes on whatever happens here. Needs Python 3.9
and nothing else. Each run is a process of its own, so modules are imported where they are used.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

HOOK_SECONDS = 0.3  # what a turn may be delayed by
ENDING_SHARE = 1 / 3  # of these, to write the answer and to end on a busy machine
REQUEST_SECONDS = 30.0
LINGER_SECONDS = 600.0  # how long a process in the background waits for a server
MAX_QUEUE, MAX_QUEUE_BYTES, MAX_REFUSED = 2_000, 50_000_000, 100
MAX_SESSIONS, SESSION_SECONDS = 200, 7 * 86_400
UNANSWERED_SECONDS = 86_400.0  # then a prompt without an answer is sent alone
KEY_SECONDS = 23 * 3_600.0  # a server knows an idempotency key for 24 hours
MAX_INPUT, MAX_TRANSCRIPT, MAX_RESPONSE = 16_000_000, 4_000_000, 1_000_000
MAX_SAID = {"user": 8_000, "assistant": 16_000}  # in characters; a memory has 32 KiB
MAX_CLEANED = 40_000  # of a longer text, the beginning and the end are searched for secrets
MAX_QUERY = 4_000
MAX_RECALLED = 400  # lines that a session keeps, to take them out of what is captured

OPENING, CLOSING = "<openmemory-recall>", "</openmemory-recall>"
WITHHELD = "[withheld]"

Json = dict[str, Any]


# ---- where things are -------------------------------------------------------------------------


def folder(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default) / "openmemory"


def settings_path() -> Path:
    return folder("XDG_CONFIG_HOME", ".config") / "hook.json"


def state_dir() -> Path:
    return folder("XDG_STATE_HOME", ".local/state") / "hook"


def data_dir() -> Path:
    return folder("XDG_DATA_HOME", ".local/share")


def read_json(path: Path, limit: int = MAX_RESPONSE) -> Json:
    """Read an object. Empty where there is none. Raises ValueError for what is not one."""
    try:
        if not path.is_file():  # nor a pipe, on which a read would wait
            return {}
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except FileNotFoundError:
        return {}
    if len(raw) > limit:
        raise ValueError(f"{path} is larger than {limit} bytes")
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"{path} is not a JSON object")
    return value


def write_json(path: Path, value: Json) -> None:
    """Write all of it or nothing, for this user alone to read."""
    make_private_dir(path.parent)
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=True, indent=1)
        part.replace(path)
    except BaseException:
        part.unlink()
        raise


def make_private_dir(path: Path) -> None:
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


class Lock:
    """Held by one process at a time. `seconds` is how long to wait for it."""

    def __init__(self, name: str, seconds: float) -> None:
        self.path, self.seconds, self.held = state_dir() / name, seconds, False

    def __enter__(self) -> Lock:
        make_private_dir(self.path.parent)
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        give_up = time.monotonic() + self.seconds
        while not self.held:
            self.held = try_lock(self.descriptor)
            if self.held or time.monotonic() >= give_up:
                break
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self.held = False
        os.close(self.descriptor)  # which gives the lock back, as the end of a process does


def try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


# ---- what is set ------------------------------------------------------------------------------

SWITCHES = ("enabled", "recall", "capture")
FIELDS: dict[str, type] = {
    **dict.fromkeys(SWITCHES, bool),
    "memory": str,
    "app": str,
    "max_tokens": int,
}
PROJECT_FILE = ".openmemory.json"


class Setup(NamedTuple):
    """What holds for a client in a folder. `notes` say what is wrong, for the status."""

    client: str
    memory: str
    server: str
    key: str
    app: str
    recall: bool
    capture: bool
    max_tokens: int
    seconds: float
    project: str
    notes: list[str]


def load_setup(client: str, cwd: str) -> Setup:
    """Read the user's settings, and the project's file within them.

    A project may turn off what the user has on, and choose among the user's memories. Where these
    are (server and key) stands in the user's settings alone, so that a project that was downloaded
    sends nothing anywhere. What the user says about a project outweighs the project's file.
    """
    notes: list[str] = []
    settings = read_json(settings_path())
    path, theirs = find_project_file(cwd, notes)
    mine = find_own_entry(settings, cwd)
    base = take_fields(settings, str(settings_path()), notes)
    theirs = take_fields(theirs, str(path), notes, strict=True)
    mine = take_fields(mine, "projects", notes)
    for name in SWITCHES:
        if not base.get(name, True):
            theirs.pop(name, None)
    chosen = {**base, **theirs, **mine}
    memories = settings.get("memories")
    memory, access = choose_memory(memories, chosen.get("memory"), client, notes)
    on = bool(access) and chosen.get("enabled", True) and os.environ.get("OPENMEMORY_HOOK") != "off"
    return Setup(
        client=client,
        memory=memory,
        server=access.get("server", ""),
        key=access.get("key", ""),
        app=chosen.get("app", access.get("app", "")),
        recall=on and chosen.get("recall", True),
        capture=on and chosen.get("capture", True),
        max_tokens=min(max(chosen.get("max_tokens", 800), 100), 8_000),
        seconds=min(max(number(settings.get("recall_ms"), 1_000 * HOOK_SECONDS), 50), 10_000)
        / 1000,
        project=str(path.parent if path else cwd),
        notes=notes,
    )


def number(value: object, default: float) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else default


def find_project_file(cwd: str, notes: list[str]) -> tuple[Path | None, Json]:
    """Find the file in the folder or above it, up to the top of its repository."""
    start = Path(cwd)
    for place in [start, *start.parents]:
        path = place / PROJECT_FILE
        if path.is_file():
            try:
                return path, read_json(path, 65_536)
            except (ValueError, OSError) as error:
                # It may have been meant to turn everything off.
                notes.append(f"{error}. Nothing is recalled or captured here.")
                return path, {"enabled": False}
        if (place / ".git").exists() or place == Path.home():
            break
    return None, {}


def find_own_entry(settings: Json, cwd: str) -> Json:
    entries = settings.get("projects")
    if not isinstance(entries, dict):
        return {}
    places = [str(place) for place in [Path(cwd), *Path(cwd).parents]]
    found: object = next((entries[place] for place in places if place in entries), {})
    return found if isinstance(found, dict) else {}


def take_fields(source: Json, place: str, notes: list[str], *, strict: bool = False) -> Json:
    taken: Json = {}
    for name, value in source.items():
        kind = FIELDS.get(name)
        if kind is None:
            if strict:
                allowed = ", ".join(FIELDS)
                notes.append(f"{place}: {name!r} has no effect. A project may set {allowed}.")
        elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            notes.append(f"{place}: {name!r} must be a {kind.__name__}.")
            if kind is bool:
                taken[name] = False
        else:
            taken[name] = value
    return taken


def choose_memory(
    memories: object, wanted: str | None, client: str, notes: list[str]
) -> tuple[str, dict[str, str]]:
    """Choose by name: the one asked for, else the client's own, else `default`."""
    known = memories if isinstance(memories, dict) else {}
    names = [wanted] if wanted else [client, "default"]
    name = next((name for name in names if name in known), "")
    access = known.get(name)
    if not isinstance(access, dict):
        asked = f"There is no memory {wanted!r}" if wanted else "No memory is set"
        notes.append(f"{asked} in {settings_path()}. Nothing is recalled or captured.")
        return wanted or "", {}
    server, key = access.get("server"), access.get("key")
    if not (isinstance(server, str) and re.match(r"https?://[^/@\s]+", server)):
        notes.append(f"The memory {name!r} needs a `server`, as in https://memory.example.org.")
        return name, {}
    if not (isinstance(key, str) and re.fullmatch(r"[\x21-\x7e]+", key)):
        notes.append(f"The memory {name!r} needs a `key`.")
        return name, {}
    if server.startswith("http://") and not re.match(r"http://(localhost|127\.|\[::1\])", server):
        notes.append(f"{server}: the key and the memories travel without encryption.")
    return name, access


# ---- secrets ----------------------------------------------------------------------------------

# What a password is called, in languages that models are spoken to.
_PHRASES = (
    r"(?:pass(?:word|wd|phrase|code)s?|pwd|passwor[dt]|kennwort|mot de passe|contraseña|senha"
    r"|wachtwoord|parola d['\u2019]ordine|lösenord|adgangskode|passord|salasana|has[łl]o|heslo"
    r"|jelszó|[şs]ifre|mật khẩu|kata sandi|пароль|密码|密碼|口令|パスワード|暗証番号|비밀번호"
    r"|סיסמה|كلمة المرور|كلمة السر|पासवर्ड|รหัสผ่าน|(?<![a-z])pw|_pass|(?<![a-z])(?-i:pass))"
)
# What a secret is called, also within a longer name, as in DB_PASSWORD and SECRET_KEY_BASE.
_NAMES = (
    rf"(?:{_PHRASES}|secret|token|(?:api|access|private|encryption|signing|license)[ _-]?key"
    r"|auth(?:orization)?|credentials?|client[ _-]?secret)"
    r"(?:[ _](?:key|base|value|prod(?:uction)?|dev|test|staging|live))*"
)
# What may follow "the password is" without being one.
_ORDINARY = (
    r"(?:a|an|the|not|no|in|at|on|to|too|wrong|right|correct|incorrect|invalid|valid|required|needed"
    r"|missing|empty|stored|hashed|hidden|set|unset|null|none|true|false|also|only|now|never|always"
    r"|still|being|used|wanted|falsch|richtig|nicht|nötig|leer|zu|im|in|string|str|int|your|my|what"
    r"|expired|optional|read|sent|kept|given|being|generated|created|about|for|from|of|and|or|limit"
    r"|budget|count|counter|usage|per|bearer|basic|is|option|flag|argument|see|ask|siehe|token|digest)(?=[\s.,;:!?)]|$)"
)
_BARE = r"[^\s\"'`,;<>(){}]"
_QUOTED = r"\"([^\"\n]{3,200})\"|'([^'\n]{3,200})'|`([^`\n]{3,200})`"
# A pattern without a group is a secret as a whole, else its last group that matched is.
_PATTERNS: list[tuple[str, str]] = [
    (
        "private key",
        r"(?s)-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)",
    ),
    (
        "key",
        r"\b(?:sk|pk|rk)[-_](?:live|test|ant|proj|or|svcacct|lf)?[-_]?[A-Za-z0-9_-]{16,}"
        r"|\bom_[A-Za-z0-9_-]{16,}|\b(?:AKIA|ASIA|AROA)[A-Z0-9]{12,}|\bAIza[A-Za-z0-9_-]{30,}"
        r"|\b(?:gh[pousr]_|github_pat_|glpat-|gldt-|npm_|pypi-|hf_|dop_v1_|shpat_|xai-|gsk_|r8_"
        r"|tvly-|pplx-|m0-|SG\.|AGE-SECRET-KEY-|ya29\.|xox[abeoprs]-|xapp-|whsec_|lin_api_"
        r"|ntn_|sntrys_|dckr_pat_|PMAK-|rubygems_|hv[sb]\.|sbp_|dapi|GOCSPX-|ATATT|omr_|figd_|glsa_"
        r"|nvapi-|shpss_|pscale_tkn_|sq0[a-z]{3}-|NRAK-|dp\.pt\.|EAAC|1//0)[A-Za-z0-9._-]{10,}"
        r"|\bkey-[0-9a-z]{32}\b|\b[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}",
    ),
    ("key", r"\b(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks)/([\w/-]{10,})"),
    ("key", r"[A-Z0-9]_KEY[\"']?\s*[=:]\s*[\"']?(?=[^\s\"']{0,100}\d)([^\s\"'`,;]{8,})"),
    ("token", r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    # With a digit, a dot or letters of both cases, unlike "basic authentication".
    (
        "token",
        r"(?i)\b(?:bearer|basic)\s+(?=[\w.~+/-]{0,100}(?:[\d=]|[._~]\w|(?-i:[a-z][A-Z])))"
        r"([A-Za-z0-9._~+/-]{12,}=*)",
    ),
    (
        "token",
        r"(?i)\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|digest|token|apikey)\s+"
        rf"(?![$<]|{_ORDINARY})(?=\S{{0,100}}[\d=])({_BARE}{{6,}})",
    ),
    ("token", r"(?i)[?&](?:sig|signature|x-amz-signature)=([^&\s\"']{8,})"),
    ("token", r"(?i)\bcookie:\s*([^\s=;]{1,100}=[^\n]+)"),
    ("password", r"(?i)\b[a-z][a-z0-9+.-]*://[^\s/:@]*:([^\s/]+)@"),
    # A name, and after it a sign or a verb; perhaps what it is for, and then a word with a digit.
    (
        "password",
        rf"(?i){_NAMES}[\"'`]?\s*(?:\s(?:is|ist|lautet|est|es|was|war|è|é|jest|är|adalah)\b:?"
        r"(?!\s[a-z]{3,}ed\b)|:?=>?|:|={2,3}(?=\s*[\"'`])|\uff1a|是|は|는|은)\s*"
        rf"(?![\"'`]?{_ORDINARY})(?:{_QUOTED}|[\"'`]?({_BARE}{{3,}}))",
    ),
    # A word with a digit after "the password to", "will be" and the like.
    (
        "password",
        rf"(?i){_PHRASES}(?:['\u2019]s|\s(?:from\s\S{{1,60}}\s)?(?:to|will be|should be|must be|now"
        rf"|auf|zu)|\s?(?:->|→))\s[\"'`]?(?=\S{{0,100}}\d)({_BARE}{{6,}})",
    ),
    ("password", rf"(?i)(?:{_PHRASES}|\bidentified by)\s(?:{_QUOTED})"),
    ("password", rf"(?i)<{_NAMES}>\s*([^<\s]{{3,200}})\s*</"),
    (
        "password",
        r"(?i)\b(?:credentials?|log-?in|zugangsdaten)(?:\s(?:is|are|sind|ist))?:?\s[^\s:/]{1,100}"
        rf"(?:\s[:/]\s|:)(?=\S{{0,100}}\d)(?=\S{{0,100}}[a-z])({_BARE}{{4,}})",
    ),
    (
        "password",
        rf"(?i){_NAMES}\s(?:for|of|to|on|at|für|von|zu|zum|zur)(?:\s[^\s.,;:!?]{{1,40}}){{1,4}}?"
        rf"(?:\s(?:is|ist|lautet|was|war)|:)\s[\"'`]?(?=\S{{0,100}}[\d$&@#%^*])({_BARE}{{3,}})",
    ),
    ("password", rf"(?i)--{_NAMES}[ =](?!{_ORDINARY})(?:{_QUOTED}|({_BARE}{{3,}}))"),
    (
        "password",
        r"\b(?:sshpass\s+-p\s*|docker login\b[^\n]{0,80}?\s-p\s+|redis-cli\b[^\n]{0,80}?\s-a\s+"
        r"|(?:ldapsearch|ldapmodify)\b[^\n]{0,200}?\s-w\s+|\bzip\b[^\n]{0,80}?\s-P\s+"
        rf"|(?:mysql|mysqldump|mariadb)\b[^\n]{{0,80}}?\s-p)(?:{_QUOTED}|({_BARE}{{3,}}))",
    ),
    (
        "password",
        r"\bcurl\b[^\n]{0,200}?\s(?:-u|--user)\s*(?:\"[^\":\n]{1,100}:([^\"\n]+)\""
        r"|'[^':\n]{1,100}:([^'\n]+)'|[^\s:\"']{1,100}:([^\s\"']+))",
    ),
    # A name, and after it what is no word.
    (
        "password",
        r"(?i)\bpass(?:word|wort|wd)\s+(?!(?:hmac-?)?sha|md5|base64|utf|pbkdf2|argon2|oauth|v\d)"
        rf"(?=\S{{0,100}}\d)(?=\S{{0,100}}[a-z])({_BARE}{{6,}})",
    ),
    ("token", rf"(?i){_NAMES}\s+(?=\S{{0,100}}\d)([a-z0-9_+~-]{{20,}}={{0,2}})"),
    (
        "code",
        r"(?i)\b(?:(?:pin|tan|otp|cvv|cvc)(?:[ -]?(?:code|number|nummer))?\b\s*"
        r"(?:(?:is|ist|lautet|was)\b|[:=])?\s*(\d{3,8})|(?:(?:2fa|one-time|verification|security"
        r"|recovery|backup|login|access|door|gate|alarm|unlock|sms)[ -]?code|(?:tür|zugangs"
        r"|bestätigungs|sicherheits|freischalt)-?code)\b\s*(?:(?:is|ist|lautet|was)\b|[:=])?"
        r"\s*(\d{4,8}))\b",
    ),
    (
        "code",
        r"(?i)\b(\d{4,8}) (?:is|ist) (?:your|my|the|dein|mein|der) (?:[\w ]{0,20} )?(?:pin"
        r"|(?:verification|security|login|confirmation|access|2fa)[ -]?code|bestätigungscode)\b",
    ),
    (
        "seed phrase",
        r"(?i)\b(?:mnemonic|seed|(?:seed|recovery|backup)[ -](?:phrase|words?))\b\W{0,3}"
        r"(?:(?:is|are)\b\W{0,3})?((?:[a-z]{3,8}\s+){11,23}[a-z]{3,8})\b",
    ),
]
SECRETS = [(kind, re.compile(pattern)) for kind, pattern in _PATTERNS]
_CARD = re.compile(r"(?<![\w.-])[3-6](?:[ -]?\d){13,18}(?![\w-]|\.\d)")
_LONG = re.compile(r"(?<![A-Za-z0-9_/+.-])[A-Za-z0-9_/+-]{32,}={0,2}(?![A-Za-z0-9_/+-])")


def withhold_secrets(text: str) -> tuple[str, list[str]]:
    """Replace what looks like a secret. Returns the kinds that were found, one for each."""
    kinds: list[str] = []

    def hide(kind: str) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            whole, group = match.group(), match.lastindex or 0
            if WITHHELD in whole:
                return whole
            kinds.append(kind)
            start, end = (place - match.start() for place in match.span(group))
            return whole[:start] + WITHHELD + whole[end:]

        return replace

    for kind, pattern in SECRETS:
        text = pattern.sub(hide(kind), text)
    text = _CARD.sub(lambda match: _hide_card(match, kinds), text)
    return _LONG.sub(lambda match: _hide_random(match, kinds), text), kinds


def _hide_card(match: re.Match[str], kinds: list[str]) -> str:
    """Hide a number of a card, whose digits fulfil Luhn's sum."""
    digits = [int(each) for each in match.group() if each.isdigit()][::-1]
    total = sum(digits[::2]) + sum(sum(divmod(2 * each, 10)) for each in digits[1::2])
    if total % 10:
        return match.group()
    kinds.append("card number")
    return WITHHELD


def _hide_random(match: re.Match[str], kinds: list[str]) -> str:
    """Hide a long random word. Not a path, a name in any case, a UUID or a hash in hexadecimal."""
    word = match.group()
    digits = sum(letter.isdigit() for letter in word)
    mixed = any(map(str.isupper, word)) and any(map(str.islower, word))
    if not (mixed and digits >= 4 and word.count("/") < 4 and len(set(word)) >= 16):
        return word
    kinds.append("random text")
    return WITHHELD


# ---- what was recalled ------------------------------------------------------------------------

_LINE = re.compile(r"^- \[([0-9a-f-]{36})\] (?:\d{4}-\d\d-\d\d)(?:, [^:]{1,255})?: (.+)$")


def mark_recalled(text: str) -> str:
    return f"{OPENING}\n{text.replace(CLOSING, '')}\n{CLOSING}"


def list_recalled(text: str) -> list[str]:
    """The memories in a recalled text and their sentences, as a model may repeat them."""
    lines = filter(None, map(_LINE.match, text.splitlines()))
    return split_memories([line[2].replace("&lt;", "<") for line in lines])


def list_shown(result: object) -> list[str]:
    """The same of what a tool of the server returned: objects with a `text`, in JSON in texts."""
    if isinstance(result, str) and result.lstrip()[:1] in ("{", "["):
        with suppress(ValueError):
            return list_shown(json.loads(result))
    if isinstance(result, list):
        return [said for each in result for said in list_shown(each)]
    if not isinstance(result, dict):
        return []
    text = text_of(result, "text", "memory")
    is_json = text.lstrip()[:1] in ("{", "[")
    own = list_shown(text) if is_json else list_recalled(text) or split_memories([text])
    return [*own, *(said for each in result.values() if each != text for said in list_shown(each))]


def split_memories(memories: list[str]) -> list[str]:
    found: list[str] = []
    for memory in memories:
        # A captured turn is one memory, and a model repeats what one of its speakers said.
        for said in [memory, *re.split(r"(?:^|\s)(?:user|assistant): ", memory)]:
            sentences = re.split(r"(?<=[.!?。\uff01\uff1f])\s+", said)
            found += [said, *(each for each in sentences if len(each) >= 20)]
    trimmed = (each.strip().rstrip("…").strip() for each in found)
    return [each for each in dict.fromkeys(trimmed) if each]


def take_out_recalled(text: str, recalled: list[str]) -> str:
    """Remove what is marked as recalled, and each recalled memory that is repeated word by word."""
    for opening, closing in ((OPENING, CLOSING), ("<memories>", "</memories>")):
        end = f"(?:{re.escape(closing)}|\\Z)"
        text = re.sub(f"{re.escape(opening)}.*?{end}", "", text, flags=re.DOTALL)
    whole = {" ".join(each.split()) for each in recalled}
    lines = [line for line in text.split("\n") if _bare(line) not in whole]
    text = "\n".join(line for line in lines if not _LINE.match(line.strip()))
    for each in sorted(whole, key=len, reverse=True):
        if len(each) >= 12 and each.split()[0] in text:
            text = re.sub(r"\s+".join(map(re.escape, each.split())), "", text)
    return text.strip() if re.search(r"\w{2}|[^\x00-\x7f]", text) else ""


def _bare(line: str) -> str:
    return " ".join(re.sub(r"^\s*(?:[-*•>]|\d+[.)])\s+", "", line).split()).strip("\"'“”„*_` ")


# ---- sessions of agents -----------------------------------------------------------------------


def session_path(event: Json) -> Path:
    name = re.sub(r"[^A-Za-z0-9_-]", "_", session_id(event))[:120]
    return state_dir() / "sessions" / f"{name}.json"


def session_id(event: Json) -> str:
    return text_of(event, "session_id", "conversation_id") or "none"


def text_of(event: Json, *names: str) -> str:
    for name in names:
        if isinstance(event.get(name), str) and event[name].strip():
            return str(event[name])
    return ""


def cwd_of(event: Json) -> str:
    roots = event.get("workspace_roots")
    root = roots[0] if isinstance(roots, list) and roots and isinstance(roots[0], str) else ""
    return text_of(event, "cwd") or root or str(Path.cwd())


def event_name(event: Json) -> str:
    """The name of an event, which Cursor writes with a small letter and partly in its own way."""
    name = text_of(event, "hook_event_name")
    name = _NAMES_OF_CURSOR.get(name, name)
    return name[:1].upper() + name[1:]


_NAMES_OF_CURSOR = {
    "beforeSubmitPrompt": "UserPromptSubmit",
    "afterAgentResponse": "Message",
    "afterMCPExecution": "PostToolUse",
}

# The tools that show memories, as a client names them: with their server, or, as Cursor, without.
_TOOL = re.compile(
    r".*openmemory.*__.+|(?:search|list|get)_memor(?:y|ies)|recall_context|get_related"
)


# The plug-in's own commands: what they store they store, and what they show is recalled.
_COMMAND = re.compile(r"\s*[/$@](?:openmemory:)?(?:remember|recall|forget)\b")


def begin_turn(session: Json, event: Json, setup: Setup, prompt: str) -> None:
    queue_turn(session, event, setup, "")  # the turn before may have been interrupted
    if prompt.strip():
        session["turn"] = {
            "key": os.urandom(16).hex(),
            "at": time.time(),
            "prompt": shorten(prompt, MAX_SAID["user"]),
            "own": bool(_COMMAND.match(prompt)),
            "late": setup.recall,  # until there is an answer
        }


def queue_turn(session: Json, event: Json, setup: Setup, answer: str) -> bool:
    """Queue the turn that is open with its answer, once."""
    turn = session.pop("turn", None)
    if not isinstance(turn, dict) or "key" not in turn or turn.get("own"):
        return False
    answer = answer or str(turn.get("answer", ""))
    if turn.get("late"):
        count("late")
    said = [("user", str(turn.get("prompt", ""))), ("assistant", answer)]
    queued = enqueue(
        str(turn["key"]), number(turn.get("at"), time.time()), said, session, event, setup
    )
    session["last"] = digest(str(turn.get("prompt", "")), answer)
    return queued


def digest(prompt: str, answer: str) -> str:
    import zlib

    said = f"{prompt.strip()}\0{answer.strip()}".encode(errors="replace")
    return f"{zlib.crc32(said):08x}-{len(said)}"


def enqueue(
    key: str,
    at: float,
    said: list[tuple[str, str]],
    session: Json,
    event: Json,
    setup: Setup,
) -> bool:
    """Put what was said into the queue, without what was recalled and what looks like a secret."""
    recalled = session.get("recalled") or []
    messages = []
    for role, text in said:
        # A user who says again what is remembered says it. A model repeats it.
        spoken = shorten(text, MAX_CLEANED)  # cut far from what is kept of it
        spoken = take_out_recalled(spoken, recalled if role == "assistant" else [])
        text, kinds = withhold_secrets(spoken)
        count_withheld(kinds)
        text = shorten(text, MAX_SAID[role])
        if text:
            messages.append({"role": role, "content": text})
    if not messages:
        return False
    item = {
        "key": key,
        "at": at,
        "memory": setup.memory,
        "app": setup.app,
        "client": setup.client,
        "conversation": f"{setup.client}-{session_id(event)}"[:255],
        "project": Path(setup.project).name[:100],
        "messages": messages,
    }
    write_json(queue_dir() / f"{int(at * 1000):015}-{key}.json", item)
    bound_queue()
    return True


def shorten(text: str, limit: int) -> str:
    text = text.replace("\x00", "").strip()
    if len(text) <= limit:
        return text
    half = limit // 2 - 3
    return f"{text[:half]} […] {text[-half:]}"


# ---- transcripts, where the hook before a prompt did not run ----------------------------------


def read_transcript(path: str) -> tuple[str, str, str]:
    """Read the last turn of Claude Code's or Codex's transcript: its id, prompt and answer."""
    place = Path(path)
    if not path or not place.is_file():
        return "", "", ""
    with place.open("rb") as file:
        file.seek(max(0, place.stat().st_size - MAX_TRANSCRIPT))
        lines = file.read(MAX_TRANSCRIPT).splitlines()
    answers: list[str] = []
    name, prompt = "", ""
    for position, line in enumerate(lines):
        role, text, own = parse_line(line)
        if role == "user" and text:
            name, prompt, answers = own or f"{position}:{text}", text, []
        elif role == "assistant" and text:
            answers.append(text)
    return name, prompt, answers[-1] if answers else ""


def parse_line(line: bytes) -> tuple[str, str, str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return "", "", ""
    if not isinstance(entry, dict) or entry.get("isMeta") or entry.get("isSidechain"):
        return "", "", ""
    message = (
        entry.get("message") if isinstance(entry.get("message"), dict) else entry.get("payload")
    )
    if not isinstance(message, dict):
        return "", "", ""
    own = text_of(entry, "uuid") or text_of(message, "id") or text_of(entry, "timestamp")
    return text_of(message, "role"), join_parts(message.get("content")), own


def join_parts(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    kinds = ("text", "input_text", "output_text")
    texts = [part for part in parts if isinstance(part, dict) and part.get("type") in kinds]
    joined = "\n".join(text_of(part, "text") for part in texts)
    # What a client adds to a prompt, such as its environment, it writes as a tag.
    return "" if re.match(r"\s*<(?!openmemory|memories)[a-z_-]+>", joined) else joined


# ---- the queue --------------------------------------------------------------------------------


def queue_dir() -> Path:
    return state_dir() / "queue"


def list_queue() -> list[Path]:
    try:
        return sorted(path for path in queue_dir().iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []


def bound_queue() -> None:
    """Drop the oldest turns of a queue that nobody takes from."""
    paths = list_queue()
    sizes = {path: size_of(path) for path in paths}
    total = sum(sizes.values())
    while paths and (len(paths) > MAX_QUEUE or total > MAX_QUEUE_BYTES):
        oldest = paths.pop(0)
        total -= sizes[oldest]
        remove(oldest)
        count("dropped")


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        path.unlink()


def start_flush() -> None:
    """Send what waits, in a process that outlives this one."""
    if not list_queue():
        return
    command = [sys.executable, "-IS", str(Path(__file__).resolve()), "flush", "--background"]
    if sys.platform == "win32":
        import subprocess

        nothing, flags = subprocess.DEVNULL, 0x00000008 | 0x00000200  # detached, a group of its own
        subprocess.Popen(  # noqa: S603 - this program
            command, stdin=nothing, stdout=nothing, stderr=nothing, creationflags=flags
        )
    elif os.fork() == 0:  # as `subprocess` would, in a tenth of the time
        try:
            os.setsid()
            os.nice(10)
            os.chdir("/")
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nothing, descriptor)
            os.execv(command[0], command)  # noqa: S606 - this program
        finally:
            os._exit(1)


def flush(*, background: bool = False, seconds: float = LINGER_SECONDS) -> bool:
    """Send what waits, in its order. In the background, again and again while a server is away.

    Whoever queues a turn calls this afterwards. If another process sends already, that one finds
    the turn: it looks once more after it has given the lock back.
    """
    with Lock("linger.lock", 0) as lingers:  # one process waits, the others try once
        return _flush(background, seconds if lingers.held else 0)


def _flush(background: bool, seconds: float) -> bool:
    give_up = time.monotonic() + seconds
    pause = 0.5
    while list_queue() or not background:  # an uninstall removes the queue
        with Lock("flush.lock", 0 if background else 5) as lock:
            if not lock.held:
                return False
            close_old_sessions()
            postponed = send_all()
        waiting = {path.name for path in list_queue()}
        if not waiting:
            return True
        if waiting <= postponed:
            if not background or time.monotonic() + pause > give_up:
                return False
            time.sleep(pause)
            pause = min(2 * pause, 30)
    return True


def send_all() -> set[str]:
    """Send each turn of the queue. Returns the names of those that must wait."""
    away: set[str] = set()
    postponed: set[str] = set()
    for path in list_queue():
        try:
            item = read_json(path)
            memory = str(item["memory"])
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, OSError):
            refuse(path, "It cannot be read.")
            continue
        if memory in away or (outcome := send_item(path, item)) == "away":
            away.add(memory)
            postponed.add(path.name)
        elif outcome == "later":
            postponed.add(path.name)
    return postponed


def send_item(path: Path, item: Json) -> str:
    """Send one turn: `sent`, `refused`, `later`, or `away` if no other need be tried now."""
    try:
        access = find_access(str(item["memory"]))
        if number(item.get("tried_at"), time.time()) < time.time() - KEY_SECONDS:
            if is_stored(access, str(item["key"])):
                return finish(path)
        elif "tried_at" not in item:
            item["tried_at"] = time.time()
            write_json(path, item)
        status, answer = request(
            access, "POST", "/memories", body_of(item), headers={"Idempotency-Key": item["key"]}
        )
    except (Away, ValueError) as error:
        return postpone(str(error), "away")
    code, detail = str(answer.get("code", "")), str(answer.get("detail", ""))[:300]
    if status < 300 or code == "idempotency_key_reused":
        return finish(path)
    if status in (400, 413, 422):
        return refuse(path, detail)
    said = f"The server answers {status}: {detail}"
    return postpone(said, "later" if status in (403, 409) else "away")


def find_access(memory: str) -> dict[str, str]:
    """Find the server and key of a memory. Raises ValueError."""
    notes: list[str] = []
    memories = read_json(settings_path()).get("memories")
    _, access = choose_memory(memories, memory, "", notes)
    if not access:
        raise ValueError(notes[-1])
    return access


def body_of(item: Json) -> Json:
    body = {
        "messages": item["messages"],
        "conversation": item["conversation"],
        "timestamp": int(item["at"]),
        "metadata": {
            "source": "openmemory-hook",
            "client": item["client"],
            "project": item["project"],
            "turn": item["key"],
        },
    }
    return {**body, "app": item["app"]} if item.get("app") else body


def is_stored(access: dict[str, str], key: str) -> bool:
    """Whether the server has this turn. It no longer knows the idempotency key of an old one."""
    body = {"metadata": {"turn": key}, "show_archived": True, "size": 1}
    status, answer = request(access, "POST", "/memories/filter", body)
    if status >= 300:
        raise Away(f"The server answers {status}: {answer.get('detail', '')}")
    return bool(answer.get("total") or answer.get("items"))


def finish(path: Path) -> str:
    if path.exists():
        remove(path)
        count("sent")
        write_status(last_sent=time.time(), problem="")
    return "sent"


def postpone(problem: str, outcome: str) -> str:
    if state_dir().is_dir():  # it was not uninstalled meanwhile
        write_status(problem=problem, problem_at=time.time())
    return outcome


def refuse(path: Path, problem: str) -> str:
    """Put aside what the server will never take."""
    refused = state_dir() / "refused"
    make_private_dir(refused)
    path.replace(refused / path.name)
    for old in sorted(refused.iterdir())[:-MAX_REFUSED]:
        remove(old)
    count("refused")
    postpone(f"The server refuses a turn: {problem}", "")
    return "refused"


def close_old_sessions() -> None:
    """Queue prompts that were never answered, and forget the oldest sessions."""
    try:
        paths = sorted((state_dir() / "sessions").iterdir(), key=lambda path: path.stat().st_mtime)
    except OSError:
        return
    for place, path in enumerate(reversed(paths)):
        age = time.time() - path.stat().st_mtime
        if age > UNANSWERED_SECONDS:
            with Lock("state.lock", 1):
                session = read_json(path)
                if session.get("turn"):
                    setup = load_setup(str(session.get("client")), str(session.get("cwd")))
                    queue_turn(session, {"session_id": session.get("id")}, setup, "")
                    write_json(path, session)
                    continue
        if age > SESSION_SECONDS or place >= MAX_SESSIONS:
            remove(path)


# ---- the server -------------------------------------------------------------------------------


class Away(Exception):
    """The server cannot be reached, or gives no answer that can be understood."""


def request(
    access: dict[str, str] | Setup,
    method: str,
    path: str,
    body: Json | None = None,
    *,
    headers: dict[str, str] | None = None,
    seconds: float = REQUEST_SECONDS,
) -> tuple[int, Json]:
    """Call the API. Follows no redirect: the key is for this server alone."""
    import http.client
    from urllib.parse import urlsplit

    server = access.server if isinstance(access, Setup) else access["server"]
    key = access.key if isinstance(access, Setup) else access["key"]
    address = urlsplit(server)
    kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Connection": "close",
        **(headers or {}),
    }
    try:
        connection = kind(address.hostname or "", address.port, timeout=seconds)
        target = f"{address.path.rstrip('/')}/api/v1{path}"
        connection.request(method, target, json.dumps(body) if body else None, headers)
        response = connection.getresponse()
        answer = json.loads(response.read(MAX_RESPONSE) or b"{}")
        connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Away(f"{server} gives no answer: {error or type(error).__name__}") from None
    return response.status, answer if isinstance(answer, dict) else {}


def fetch_context(setup: Setup, query: str) -> str:
    body: Json = {"max_tokens": setup.max_tokens}
    if query:
        body["query"] = query
    if setup.app:
        body["app"] = setup.app
    try:
        status, answer = request(setup, "POST", "/memories/context", body, seconds=setup.seconds)
    except Away as error:
        postpone(str(error), "")
        return ""
    if status != 200:
        postpone(f"The server answers {status}: {str(answer.get('detail', ''))[:300]}", "")
    return text_of(answer, "text") if status == 200 else ""


def within(seconds: float, work: Callable[[], str]) -> str | None:
    """Do the work, or give it up: None. In a thread, as nothing else ends the lookup of a name."""
    import threading

    result: list[str] = []
    if seconds <= 0:
        return None
    thread = threading.Thread(target=lambda: result.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    return result[0] if result else None


def age_of_process() -> float:
    """How long this process has run: Python itself takes a part of the time of a hook."""
    try:
        started = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return max(0.0, now - started / os.sysconf("SC_CLK_TCK"))
    except (OSError, AttributeError, ValueError, IndexError):
        return 0.08


# ---- the status -------------------------------------------------------------------------------


def read_status() -> Json:
    try:
        return read_json(state_dir() / "status.json")
    except ValueError:
        return {}


def write_status(**values: Any) -> None:
    with Lock("status.lock", 0.05):
        write_json(state_dir() / "status.json", {**read_status(), **values})


def count(name: str, by: int = 1) -> None:
    with Lock("status.lock", 0.05):
        status = read_status()
        status[name] = int(number(status.get(name), 0)) + by
        write_json(state_dir() / "status.json", status)


def count_withheld(kinds: list[str]) -> None:
    for kind in set(kinds):
        count(f"withheld {kind}", kinds.count(kind))


ENDS = ("sent", "dropped", "refused")


def describe(asked: str, cwd: str) -> Json:
    status, client = read_status(), asked or find_client()
    withheld = {
        name[len("withheld ") :]: number for name, number in status.items() if "withheld " in name
    }
    report: Json = {
        "waiting": len(list_queue()),
        "captured": sum(map(int, (len(list_queue()), *(status.get(each, 0) for each in ENDS)))),
        "sent": status.get("sent", 0),
        "dropped": status.get("dropped", 0),
        "refused": status.get("refused", 0),
        "late": status.get("late", 0),
        "withheld": withheld,
        "problem": status.get("problem", ""),
        "clients": sorted(installed_clients()),
        "client": client,
        "settings": str(settings_path()),
        "state": str(state_dir()),
    }
    try:
        setup = load_setup(client, cwd)
    except (ValueError, OSError) as error:
        return {**report, "notes": [str(error)]}
    notes = list(setup.notes)
    others = set(report["clients"]) - {client}
    if not asked and others:
        notes.append(f"This is what holds for {client}: --client {min(others)} shows another one.")
    if settings_path().is_file() and settings_path().stat().st_mode & 0o077:
        notes.append(f"Others may read {settings_path()}: chmod 600 it.")
    names = ("memory", "server", "app", "recall", "capture", "max_tokens", "project")
    return {**report, **{name: getattr(setup, name) for name in names}, "notes": notes}


def find_client() -> str:
    """Whose settings are shown where nobody is named: the first that is installed."""
    return next(iter(sorted(installed_clients())), "default")


def print_status(report: Json) -> None:
    def line(name: str, text: object) -> None:
        print(f"{name:<10}{text}")

    on = {True: "on", False: "off"}
    line("clients", ", ".join(report["clients"]) or "none")
    if "memory" in report:
        line("memory", f"{report['memory'] or 'none'} at {report['server'] or 'no server'}")
        line("app", report["app"] or "that of the key")
        line("project", report["project"])
        line("recall", f"{on[report['recall']]}, at most {report['max_tokens']} tokens")
        line("capture", on[report["capture"]])
    line("turns", "{captured} captured, {sent} sent, {waiting} waiting".format(**report))
    if report["dropped"] or report["refused"]:
        line("lost", "{dropped} dropped, {refused} refused by the server".format(**report))
    if report["late"]:
        line("late", f"{report['late']} recalls were not in time, and left out")
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(report["withheld"].items()))
    line("withheld", f"{kinds} (stayed on this machine)" if kinds else "nothing")
    line("settings", report["settings"])
    if report["problem"]:
        line("problem", report["problem"])
    for note in report["notes"]:
        line("note", note)


# ---- removal ----------------------------------------------------------------------------------


def receipt_path() -> Path:
    return data_dir() / "receipt.json"


def installed_clients() -> Json:
    try:
        clients = read_json(receipt_path()).get("clients")
    except ValueError:
        return {}
    return clients if isinstance(clients, dict) else {}


def uninstall(names: list[str]) -> int:
    """Remove the plug-ins of clients, and with the last one everything else."""
    installed = installed_clients()
    unknown = set(names) - set(installed)
    if unknown:
        print(f"Not installed: {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 1
    flush(seconds=5)  # which needs the keys that are removed
    gone = {name: installed.pop(name) for name in names or list(installed)}
    for name, entry in gone.items():
        remove_client(entry)
        print(f"Removed from {name}.")
    kept = {memory_of(name, entry) for name, entry in installed.items()}
    forget_memories({memory_of(name, entry) for name, entry in gone.items()} - kept)
    if installed:
        receipt = {**read_json(receipt_path()), "clients": installed}
        write_json(receipt_path(), receipt)
        return 0
    tell_unsent(list_queue())
    remove_everything(read_json(receipt_path()))
    print("Nothing of openmemory-hook is left.")
    return 0


def memory_of(name: str, entry: Json) -> str:
    """The memory that was set when a client was installed."""
    return text_of(entry, "memory") or name


def forget_memories(names: set[str]) -> None:
    """Remove memories from the settings, and the turns that wait for them."""
    waiting = [path for path in list_queue() if waits_for(path) in names]
    tell_unsent(waiting)
    for path in waiting:
        remove(path)
    with suppress(ValueError):  # settings that cannot be read stay, or are removed as a whole
        settings = read_json(settings_path())
        memories = settings.get("memories")
        known = memories if isinstance(memories, dict) else {}
        for name in sorted(names & set(known)):
            access = known.pop(name)
            server = access.get("server") if isinstance(access, dict) else ""
            print(f"The key of {name} is valid until you revoke it: {server}/keys")
        if settings:
            write_json(settings_path(), settings)


def waits_for(path: Path) -> str:
    try:
        return text_of(read_json(path), "memory")
    except ValueError:
        return ""


def tell_unsent(paths: list[Path]) -> None:
    if paths:
        print(f"{len(paths)} turns could not be sent and are removed.", file=sys.stderr)


def remove_client(entry: Json) -> None:
    import glob
    import shutil
    import subprocess

    for command in entry.get("commands", ()):
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, timeout=60, check=False)  # noqa: S603
    for pattern in entry.get("paths", ()):
        for path in map(Path, glob.glob(pattern)):  # noqa: PTH207 - Path has no absolute patterns
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else remove(path)
            remove_empty(path.parent)


def remove_empty(place: Path) -> None:
    """Remove a folder and those above it that nobody uses."""
    with suppress(OSError):  # it is not empty
        while place != Path.home():
            place.rmdir()
            place = place.parent


def remove_everything(receipt: Json) -> None:
    import shutil

    shutil.rmtree(state_dir(), ignore_errors=True)
    remove(settings_path())
    for link in receipt.get("links", ()):
        if Path(link).is_symlink():
            Path(link).unlink()
    remove(receipt_path())
    for name in receipt.get("files", ()):
        path = data_dir() / name
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else remove(path)
    for place in (state_dir().parent, settings_path().parent, data_dir()):
        remove_empty(place)


# ---- the commands -----------------------------------------------------------------------------


def read_event() -> Json:
    try:
        event = json.loads(sys.stdin.buffer.read(MAX_INPUT) or b"{}")
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def recall(client: str, event: Json) -> None:
    if event_name(event) == "PostToolUse":
        note_result(client, event)
        return
    name, is_prompt = event_name(event), event_name(event) == "UserPromptSubmit"
    setup = load_setup(client, cwd_of(event))
    prompt = shorten(text_of(event, "prompt") if is_prompt else "", MAX_CLEANED)
    prompt, kinds = withhold_secrets(prompt)
    end = time.monotonic() + setup.seconds - age_of_process()
    give_up = end - ENDING_SHARE * setup.seconds
    text = None
    if is_prompt and setup.capture:
        count_withheld(kinds)
        change_session(event, setup, lambda session: begin_turn(session, event, setup, prompt))
    if setup.recall and (prompt.strip() or not is_prompt) and not _COMMAND.match(prompt):
        query = take_out_recalled(prompt, [])[:MAX_QUERY]
        text = within(give_up - time.monotonic(), lambda: fetch_context(setup, query))
    if text is not None:
        found, left = text, give_up - time.monotonic()
        change_session(event, setup, lambda session: end_recall(session, found), seconds=left)
        if time.monotonic() > end:
            text = None  # the machine is too busy: a late answer delays the turn
    answer(client, name, mark_recalled(text) if text else "")


def note_result(client: str, event: Json) -> None:
    """Keep what the agent itself has looked up, which is recalled as well."""
    setup = load_setup(client, cwd_of(event))
    result = event.get("tool_response", event.get("result_json"))
    shown = list_shown(result) if _TOOL.fullmatch(text_of(event, "tool_name")) else []
    if setup.capture and shown:
        change_session(event, setup, lambda session: keep_recalled(session, shown))


def end_recall(session: Json, text: str) -> None:
    if session.get("turn"):
        session["turn"]["late"] = False
    keep_recalled(session, list_recalled(text))


def keep_recalled(session: Json, recalled: list[str]) -> None:
    known = [*(session.get("recalled") or []), *recalled]
    session["recalled"] = list(dict.fromkeys(reversed(known)))[:MAX_RECALLED][::-1]


def change_session(
    event: Json, setup: Setup, change: Callable[[Json], object], *, seconds: float = 0.1
) -> None:
    with Lock("state.lock", seconds):
        path = session_path(event)
        try:
            session = read_json(path)
        except ValueError:
            session = {}
        session.update(id=session_id(event), client=setup.client, cwd=cwd_of(event))
        change(session)
        write_json(path, session)


def answer(client: str, name: str, text: str) -> None:
    """Write what the client expects. Nothing is a normal turn."""
    reply: Json = {}
    if client == "cursor":
        reply = {"continue": True} if name == "UserPromptSubmit" else {}
        if text:
            reply["additional_context"] = text
    elif text:
        specific = {"hookEventName": name or "UserPromptSubmit", "additionalContext": text}
        reply = {"suppressOutput": True, "hookSpecificOutput": specific}
    if reply:
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


def capture(client: str, event: Json) -> None:
    setup = load_setup(client, cwd_of(event))
    if setup.capture:
        change_session(event, setup, lambda session: capture_turn(session, event, setup))
        start_flush()


def capture_turn(session: Json, event: Json, setup: Setup) -> None:
    if event_name(event) == "SessionEnd":
        queue_turn(session, event, setup, "")
        return
    said = text_of(event, "last_assistant_message", "text")
    turn = session.get("turn")
    turn = turn if isinstance(turn, dict) else {}
    if turn and event_name(event) == "Message":
        add_message(turn, said)
        return
    if turn:
        if not said and not turn.get("answer") and event_name(event) == "Stop":
            said = read_transcript(text_of(event, "transcript_path"))[2]
        queue_turn(session, event, setup, said)
        return
    name, prompt, last = read_transcript(text_of(event, "transcript_path"))
    last = said or last
    # Without a prompt of its own it is captured already, or the hook before it did not run.
    fresh = name and name != session.get("name") and digest(prompt, last) != session.get("last")
    if fresh and not _COMMAND.match(prompt):
        import uuid

        key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"openmemory:{session_id(event)}:{name}"))
        enqueue(key, time.time(), [("user", prompt), ("assistant", last)], session, event, setup)
        session.update(name=name, last=digest(prompt, last))


def add_message(turn: Json, said: str) -> None:
    """Keep one of the messages of an answer, which Cursor tells of one by one."""
    cleaned, kinds = withhold_secrets(shorten(said, MAX_CLEANED))
    count_withheld(kinds)
    turn["answer"] = shorten(f"{turn.get('answer', '')}\n{cleaned}", MAX_CLEANED)


HOOKS: dict[str, Callable[[str, Json], None]] = {"recall": recall, "capture": capture}


def main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] in HOOKS and arguments[1] == "--client":
        return run_hook(arguments[0], arguments[2])  # without 10 ms for argparse
    import argparse

    parser = argparse.ArgumentParser(prog="openmemory-hook", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["recall", "capture", "flush", "status", "uninstall"])
    parser.add_argument("names", nargs="*", help="clients to uninstall from", metavar="client")
    parser.add_argument("--client", default="", help="whose hook calls, or whose status to show")
    parser.add_argument("--json", action="store_true", help="print the status as JSON")
    parser.add_argument("--background", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.command in HOOKS:
        return run_hook(options.command, options.client or "default")
    if options.command == "status":
        report = describe(options.client, str(Path.cwd()))
        print(json.dumps(report)) if options.json else print_status(report)
        return 0
    if options.command == "uninstall":
        return uninstall(options.names)
    done = flush(background=options.background)
    if not options.background:
        print(f"{len(list_queue())} turns are waiting. {read_status().get('problem', '')}".strip())
    return 0 if done else 1


def run_hook(command: str, client: str) -> int:
    try:
        HOOKS[command](client, read_event())
    except Exception as error:  # noqa: BLE001 - the agent's turn goes on
        with suppress(OSError):
            write_status(problem=f"{command}: {error or type(error).__name__}"[:500])
    return 0


def run() -> None:
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a recall that is given up is not waited for


if __name__ == "__main__":
    run()
