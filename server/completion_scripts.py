"""The completion of `openmemory` in shells: a script that holds all names, so that Tab is fast."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, _SubParsersAction
from collections.abc import Mapping
from shlex import quote

from server.command_names import COMMANDS

SHELLS = ("bash", "zsh", "fish")

BASH = """_openmemory() {{
    local current="${{COMP_WORDS[COMP_CWORD]}}" words at=1
    while [ "${{COMP_WORDS[at]}}" = --state ] && [ "$COMP_CWORD" -gt "$((at + 1))" ]; do
        at=$((at + 2))
    done
    if [ "$COMP_CWORD" = "$at" ]; then
        words={names}
    else
        case "${{COMP_WORDS[at]}}" in
{cases}
            *) words=;;
        esac
    fi
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
}}
complete -o default -F _openmemory openmemory
"""
ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"


def completion_script(shell: str, parsers: Mapping[str, ArgumentParser]) -> str:
    """Return the script for one of SHELLS, from the parser of each short name."""
    words = {name: _words(parser) for name, parser in parsers.items()}
    if shell == "fish":
        return _fish(words)
    cases = "\n".join(
        f"            {name}) words={quote(' '.join(known))};;" for name, known in words.items()
    )
    script = BASH.format(names=quote(" ".join(words)), cases=cases)
    return (ZSH if shell == "zsh" else "") + script


def _words(parser: ArgumentParser) -> list[str]:
    """The long options of a command, and the choices of its arguments."""
    words = ["--state"]
    for action in parser._actions:
        if action.help == SUPPRESS:
            continue
        words += [option for option in action.option_strings if option.startswith("--")]
        if not action.option_strings:
            words += [str(choice) for choice in action.choices or ()]
        if isinstance(action, _SubParsersAction):  # its actions have options of their own
            words += [word for parser in action.choices.values() for word in _words(parser)]
    return [*dict.fromkeys(words)]


def _fish(words: Mapping[str, list[str]]) -> str:
    lines = []
    for name, known in words.items():
        described = quote(COMMANDS[name].description)
        lines.append(f"complete -c openmemory -n __fish_use_subcommand -f -a {name} -d {described}")
        for word in known:
            option = f"-l {word[2:]}" if word.startswith("--") else f"-a {quote(word)}"
            lines.append(f"complete -c openmemory -n '__fish_seen_subcommand_from {name}' {option}")
    return "\n".join(lines) + "\n"
