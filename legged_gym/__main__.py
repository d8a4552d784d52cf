"""The command `legged-gym`: every script is a word of it. `python -m legged_gym` is the same."""

from __future__ import annotations

import ast
import os
import sys
from typing import List, NoReturn

from legged_gym.errors import UserError
from legged_gym.programs import COMMAND, run_script, run_word, script_file
from rsl_rl.utils.errors import near_matches

# in the order in which people need them
WORDS = (
    "doctor", "list_tasks", "train", "play", "evaluate", "export", "sim2sim", "check_log", "check_robot", "collect",
    "convert_motion", "record_drives", "fit_actuator_net", "sweep", "launch", "benchmark", "run_fork", "import_fork",
    "list_envs",
)  # fmt: skip
# scripts that are others by the names of Isaac Lab's projects
OTHER_NAMES = {"evaluation": ["evaluate"], "demo": ["play", "--viewer=web"]}


def main() -> NoReturn:
    """Run the word of the command line; without one list them all."""
    words = _completed() or sys.argv[1:]
    name = words[0].replace("-", "_") if words else ""
    if name in OTHER_NAMES:
        name, *more = OTHER_NAMES[name]
        words = [*words, *more]
    if name in WORDS:
        run_word(name, words[1:])
    run_script(lambda argv: _list(words))


def _completed() -> List[str]:
    """The words of a line that a shell wants completed; it gives them to no program as arguments."""
    if "_ARGCOMPLETE" not in os.environ:
        return []
    from legged_gym.utils.completion import complete_words, typed

    complete_words([*WORDS, *OTHER_NAMES])
    return typed()[1:2]


def _list(words: List[str]) -> int:
    """Print the words; what is none of them is a mistake."""
    if words and words[0] not in ("-h", "--help", "help"):
        raise UserError(f"{COMMAND} has no word {words[0]!r}; {near_matches(words[0], WORDS)}")
    print(f"usage: {COMMAND} WORD ...; {COMMAND} WORD --help tells more\n")
    for name in WORDS:
        print(f"  {name:<18}{_summary(name)}")
    return 0


def _summary(name: str) -> str:
    """The first line of a script's docstring, read without running it."""
    with open(script_file(name), encoding="utf-8") as file:
        return (ast.get_docstring(ast.parse(file.read())) or "").splitlines()[0].rstrip(".")


if __name__ == "__main__":
    main()
