"""Checks of answers, files and git, each a value that a set names. All hold by effect, not by wording."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from copy import deepcopy
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from isolated.history import git

from tasks.facts import Fact, holds, missing, present
from tasks.state import OWN
from tasks.task import Check, Left

GONE = object()
"""As a value of `sets`: the key is not there any more."""


def says(*facts: Fact, never: tuple[Fact, ...] = ()) -> Check:
    """The answer holds every one of `facts` and none of `never`."""

    def check(left: Left) -> str:
        if not left.answer.strip():
            return "there is no answer"
        if lacking := missing(left.answer, facts):
            return f"the answer lacks {', '.join(lacking)}"
        if wrong := present(left.answer, never):
            return f"the answer has {', '.join(wrong)}"
        return ""

    return check


# --- files --------------------------------------------------------------------------------------


def there(*paths: str) -> Check:
    """The files are there, with text in them."""

    def check(left: Left) -> str:
        lacking = [path for path in paths if not _text(left.project / path).strip()]
        return f"no {', '.join(lacking)}, or nothing in it" if lacking else ""

    return check


def gone(*paths: str) -> Check:
    def check(left: Left) -> str:
        still = [path for path in paths if (left.project / path).exists()]
        return f"{', '.join(still)} is still there" if still else ""

    return check


def contains(path: str, *facts: Fact, never: tuple[Fact, ...] = (), loses: int | None = None) -> Check:
    """The file holds `facts` and nothing of `never`; at most `loses` of its earlier lines are gone."""

    def check(left: Left) -> str:
        if not (left.project / path).is_file():
            return f"there is no {path}"
        text = _text(left.project / path)
        if lacking := missing(text, facts):
            return f"{path} lacks {', '.join(lacking)}"
        if wrong := present(text, never):
            return f"{path} has {', '.join(wrong)}"
        before = _lines(_text(left.pristine / path))
        kept = SequenceMatcher(None, before, _lines(text), autojunk=False).get_matching_blocks()
        lost = len(before) - sum(block.size for block in kept)
        if loses is not None and lost > loses:
            return f"{path} lost {lost} of its lines"
        return ""

    return check


def parses(path: str, wanted: Any) -> Check:
    """The file, parsed, is exactly this."""

    def check(left: Left) -> str:
        try:
            data = parsed(left.project / path)
        except (OSError, ValueError) as error:
            return f"{path} cannot be read: {error}"
        return "" if data == wanted else f"{path} is not as it should be: {_difference(wanted, data)}"

    return check


def becomes(path: str, change: Callable[[Any], Any]) -> Check:
    """The file, parsed, is what `change` makes of the earlier one: JSON, TOML, YAML, INI, .env or CSV."""

    def check(left: Left) -> str:
        return parses(path, change(deepcopy(parsed(left.pristine / path))))(left)

    return check


def sets(path: str, values: Mapping[str, Any]) -> Check:
    """The dotted keys have these values, and everything else in the file is as it was."""

    def change(data: Any) -> Any:
        for dotted, value in values.items():
            *way, last = dotted.split(".")
            place = data
            for key in way:
                place = place.setdefault(key, {})
            if value is GONE:
                del place[last]
            else:
                place[last] = value
        return data

    return becomes(path, change)


def parsed(path: Path) -> Any:
    """The data in a file. Raises `OSError` and `ValueError`."""
    text = path.read_text(encoding="utf-8")
    match path.suffix or path.name:
        case ".json":
            return json.loads(text)
        case ".toml":
            return tomllib.loads(text)
        case ".csv":
            return list(csv.DictReader(io.StringIO(text)))
        case ".ini" | ".cfg":
            parser = ConfigParser(interpolation=None)
            try:
                parser.read_string(text)
            except Exception as error:
                raise ValueError(str(error)) from error
            return {name: dict(parser[name]) for name in parser.sections()}
        case ".yaml" | ".yml":
            import yaml  # type: ignore[import-untyped]

            try:
                return yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise ValueError(str(error)) from error
        case _:  # KEY=VALUE
            lines = [line.strip() for line in text.splitlines()]
            pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
            return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


# --- git ----------------------------------------------------------------------------------------


def committed(*paths: str, message: Fact | None = None, commits: int = 1) -> Check:
    """`commits` new commits on the earlier HEAD, changing these files (and no others) together."""

    def check(left: Left) -> str:
        old = git(left.pristine, "rev-parse", "HEAD").strip()
        new = git(left.project, "rev-list", "HEAD", f"^{old}").split()
        if len(new) != commits or old not in git(left.project, "rev-list", "HEAD").split():
            return f"{len(new)} new commits on HEAD, not {commits}"
        changed = set(git(left.project, "diff", "--name-only", old, "HEAD").splitlines()) - set(OWN)
        changed = {name for name in changed if name.partition("/")[0] not in OWN}
        if changed != set(paths):
            return f"committed {', '.join(sorted(changed)) or 'nothing'}, not {', '.join(paths)}"
        said = git(left.project, "log", "-1", "--format=%B")
        if message is not None and not holds(said, message):
            return f"the commit's message is {said.strip()!r}"
        return ""

    return check


def branch(name: str, current: bool = True) -> Check:
    """The branch is there, and checked out (or, with `current` False, not)."""

    def check(left: Left) -> str:
        names = git(left.project, "branch", "--format=%(refname:short)").split()
        if name not in names:
            return f"there is no branch {name}"
        now = git(left.project, "branch", "--show-current").strip()
        if (now == name) != current:
            return f"the branch checked out is {now or 'none'}"
        return ""

    return check


def tagged(name: str, at: str = "HEAD") -> Check:
    def check(left: Left) -> str:
        if name not in git(left.project, "tag").split():
            return f"there is no tag {name}"
        here, there = (git(left.project, "rev-parse", f"{ref}^{{commit}}") for ref in (name, at))
        return "" if here == there else f"{name} is not at {at}"

    return check


def clean(*paths: str) -> Check:
    """These files (all, when none is named) have no change that is not committed."""

    def check(left: Left) -> str:
        status = git(left.project, "status", "--porcelain", "--", *paths).splitlines()
        dirty = [line[3:] for line in status if line[3:].strip('"').partition("/")[0] not in OWN]
        return f"not committed: {', '.join(dirty)}" if dirty else ""

    return check


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _difference(wanted: Any, got: Any) -> str:
    if isinstance(wanted, dict) and isinstance(got, dict):
        keys = [key for key in {*wanted, *got} if wanted.get(key, GONE) != got.get(key, GONE)]
        if len(keys) == 1 and keys[0] in wanted and keys[0] in got:
            return f"{keys[0]}: {_difference(wanted[keys[0]], got[keys[0]])}"
        return "differs in " + ", ".join(sorted(map(str, keys)))
    return f"{str(got)[:150]!r} instead of {str(wanted)[:150]!r}"
