"""`git`: through the hardened door of `vcs`, without a shell; only commands that are understood."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from orchestrator.errors import ToolError
from orchestrator.ports import OutputSink
from orchestrator.tools import runner, walk
from orchestrator.tools.asked import Asked
from orchestrator.tools.command import NO_OUTPUT, Commands
from orchestrator.tools.labels import labels
from orchestrator.tools.sandbox import Sandbox
from orchestrator.types import Effect, Parameter, Preview, ToolCall, ToolResult, ToolSpec
from orchestrator.vcs import Repository

_READS = frozenset(
    (
        *("status", "diff", "log", "show", "blame", "shortlog", "describe", "grep", "whatchanged", "cherry"),
        *("ls-files", "ls-tree", "rev-parse", "rev-list", "cat-file", "name-rev", "merge-base", "show-ref"),
        *("count-objects", "for-each-ref", "diff-tree", "diff-index", "diff-files"),
    )
)
_WRITES = frozenset(
    (
        *("add", "commit", "checkout", "switch", "restore", "branch", "tag", "merge", "stash", "reset", "rm"),
        *("mv", "revert", "cherry-pick", "rebase", "clean", "reflog", "apply"),
    )
)
# Options that name a program, leave the repository, or write elsewhere. Git takes any unique
# beginning of an option, so beginnings are refused too.
_REFUSED = (
    *("--exec-path", "--git-dir", "--work-tree", "--namespace", "--config-env", "--super-prefix", "--output"),
    *("--ext-diff", "--textconv", "--filters", "--exec", "--extcmd", "--upload-pack", "--receive-pack"),
    *("--open-files-in-pager", "--no-index", "--contents", "--template", "--output-directory", "--editor"),
    *(
        "--pathspec-from-file",
        "--exclude-from",
        "--unsafe-paths",
        "--directory",
        "--show-signature",
        "--gpg-sign",
    ),
)
_UNSTAGED = (
    "Nothing is staged, so nothing was committed. Use commit -am MESSAGE for all changed files, "
    "or commit -m MESSAGE FILE for one."
)
_USAGE = 129
"""Git's exit code when it could not read its arguments."""
_REFUSED_SHORT = {
    "grep": ("-O", "-f"),
    "rebase": ("-x",),
    "commit": ("-F", "-t", "-S"),
    "ls-files": ("-X",),
    "tag": ("-F", "-s", "-u"),
    "blame": ("-S",),
    "merge": ("-F", "-S"),
}
_LISTING = {
    "branch": re.compile(
        r"-(a|r|v|vv|l|i|av|avv|ra|rv)|--(all|list|remotes|verbose|show-current|contains|merged|no-merged)"
        r"(=.*)?|--(sort|format|points-at)=.*"
    ),
    "tag": re.compile(r"-(l|n\d*|i)|--(list|contains|merged|no-merged|points-at)(=.*)?|--(sort|format)=.*"),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A git call that is understood: arguments after `git`, and what it would do."""

    args: tuple[str, ...]
    effect: Effect


class GitTool:
    spec = ToolSpec(
        "git",
        "commits, branches, changes, history",
        (Parameter("command", "after git"),),
        "command",
    )

    def __init__(self, root: Path, sandbox: Sandbox, commands: Commands, asked: Asked) -> None:
        self._asked = asked
        self._root = root
        self._sandbox = sandbox
        self._commands = commands

    def effect(self, call: ToolCall) -> Effect:
        """ "read" or "command"; a refused call does nothing, so it counts as a read."""
        try:
            planned = plans(str(call.arguments.get("command", "")), self._root)
        except ToolError:
            return "read"
        return "read" if all(one.effect == "read" for one in planned) else "command"

    def preview(self, call: ToolCall) -> Preview:
        command = f"git {call.arguments['command']}"
        return Preview("git", command, self._commands.confined, labels(command))

    async def run(self, call: ToolCall, sink: OutputSink) -> ToolResult:
        planned = plans(str(call.arguments["command"]), self._root)
        repository = Repository.find(self._root, self.wrap_reading)
        if repository is None:
            raise ToolError("The project is not a git repository.", "Go on without git.")
        results = [await self._one(planned[0], repository, sink)]
        for one in planned[1:]:
            if not results[-1].ok:
                break
            results.append(await self._one(one, repository, sink))
        return replace(results[-1], text="\n".join(result.text for result in results))

    async def _one(self, planned: Plan, repository: Repository, sink: OutputSink) -> ToolResult:
        writes = planned.effect != "read"
        argv = repository.command(planned.args, lambda argv: self._wrap(argv, repository, writes))
        env = {name: value for name, value in runner.environment().items() if not name.startswith("GIT_")}
        result = await self._commands.run_wrapped(argv, sink, env)
        filters = repository.filters() if planned.args[0] in ("add", "commit", "checkout", "stash") else ()
        if filters:
            said = f"[content filters of this repository are off here: {', '.join(filters)}]"
            result = replace(result, text=f"{result.text}\n{said}".strip())
        if result.exit_code == _USAGE:
            result = replace(result, text=_first_lines(result.text))
        elif unknown := re.search(r"ambiguous argument '([^']+)'", "" if result.ok else result.text):
            if found := await self._by_message(planned, repository):
                return found
            near = walk.nearest_names(unknown[1], list(walk.project_files(self._root)), 4)
            said = f"There is no file or commit {unknown[1]}."
            hint = f" Did you mean {' or '.join(near)}?" if near else " Use search to find the file."
            result = replace(result, text=f"{said}{hint}\n[exit code {result.exit_code}]")
        elif not result.ok and "no changes added to commit" in result.text:
            if (
                (only := self._asked.wording.only)
                and (self._root / only).is_file()
                and "--" not in planned.args
            ):
                return await self._one(replace(planned, args=(*planned.args, "--", only)), repository, sink)
            result = replace(result, text=f"{_UNSTAGED}\n[exit code {result.exit_code}]")
        elif result.ok and planned.args[0] == "diff" and result.text == NO_OUTPUT:
            status = await self._one(Plan(("status", "--short"), "read"), repository, lambda piece: None)
            result = replace(result, text=f"{NO_OUTPUT}\nstatus --short: {status.text}")
        return result

    async def _by_message(self, planned: Plan, repository: Repository) -> ToolResult | None:
        """The newest commit with this message, where `show`, `log` or `diff` was given words of one."""
        message = " ".join(arg for arg in planned.args[1:] if not arg.startswith("-"))
        if planned.args[0] not in ("show", "log", "diff") or " " not in message:
            return None
        grep = ("log", "-1", "--format=%H", "--fixed-strings", "--regexp-ignore-case", f"--grep={message}")
        listed = await self._one(Plan(grep, "read"), repository, lambda piece: None)
        if not (commit := re.fullmatch(r"[0-9a-f]{40,64}", listed.text.strip())):
            return None
        return await self._one(Plan(("show", commit[0]), "read"), repository, lambda piece: None)

    def wrap_reading(self, argv: list[str]) -> list[str]:
        """Confines a hardened git command line that only reads."""
        return confined_reading(argv, self._root, self._sandbox)

    def _wrap(self, argv: list[str], repository: Repository, writes: bool) -> list[str]:
        return _confined(argv, repository, self._root, self._sandbox, writes)


def confined_reading(argv: list[str], root: Path, sandbox: Sandbox) -> list[str]:
    """A hardened git command line that only reads the repository around `root`, confined."""
    repository = Repository.find(root)
    return argv if repository is None else _confined(argv, repository, root, sandbox, writes=False)


def _confined(
    argv: list[str], repository: Repository, root: Path, sandbox: Sandbox, writes: bool
) -> list[str]:
    folders = {repository.git_dir, repository.common_dir}
    seen = {repository.root, *folders} - {root.resolve()}
    return sandbox.wrap(
        argv,
        project=root,
        writable=writes,
        also_readable=sorted(seen),
        also_writable=sorted(folders) if writes else (),
    )


def plans(command: str, root: Path) -> list[Plan]:
    """One plan, or several where a model joined commands: `add -A && git commit -m x`."""
    parts = [part for part in _parts(command) if part.strip()]
    return [plan(part, root) for part in parts or [command]]


def _parts(command: str) -> list[str]:
    """What stands between `&&` and `; ` outside quotes."""
    parts, start, quote, at = [], 0, "", 0
    while at < len(command):
        char = command[at]
        if quote:
            at += char == "\\" and quote == '"'
            quote = "" if command[at : at + 1] == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "\\":
            at += 1
        elif command.startswith("&&", at) or (char == ";" and command[at + 1 : at + 2].strip() == ""):
            parts.append(command[start:at])
            at += char == "&"
            start = at + 1
        at += 1
    return [*parts, command[start:]]


def _first_lines(text: str) -> str:
    """What was wrong, without the page of options behind it; and the exit code."""
    lines = text.split("\n")
    return text if len(lines) < 6 else "\n".join([*lines[:3], lines[-1]])


def plan(command: str, root: Path) -> Plan:
    """The arguments and effect of a git command line. Raises `ToolError` where it is refused."""
    try:
        args = shlex.split(command)
    except ValueError as error:
        raise ToolError(
            f"The command cannot be read: {error}.", 'Close the quotes, e.g. commit -m "text".'
        ) from error
    if args and args[0] == "git":
        args = args[1:]
    while args and args[0] in ("--no-pager", "-P"):
        args = args[1:]
    if not args:
        raise ToolError("The git command is empty.", "Give one such as status or log -5.")
    name, *rest = args
    args = [name, *(_bare_path(arg, root) for arg in rest)]
    if name.startswith("-"):
        raise ToolError(f"Options before the git command ({name}) are not allowed.", f"Leave {name} out.")
    if any(arg in ("&&", "||", ";", "|", ">", ">>", "<") for arg in args):
        raise ToolError(
            "git here is not a shell: no pipes or several commands.", "Call git once for each command."
        )
    _refuse_options(name, args[1:])
    _refuse_outside(args[1:], root)
    effect = _effect(name, args[1:])
    if effect is None:
        known = "status, diff, log, show, blame, add, commit, branch, checkout, stash, merge, reset"
        raise ToolError(f"git {' '.join(args[:2])} is not available here.", f"Use one of: {known}.")
    if name == "log":
        args = ["log", *_readable(args[1:], root)]
    if name == "shortlog" and not any(not arg.startswith("-") for arg in args[1:]):
        args.append("HEAD")  # without one it would read stdin
    return Plan(tuple(args), effect)


def _bare_path(arg: str, root: Path) -> str:
    """`path=README.md` as models write it, where there is no such file but the one behind it."""
    key, _, path = arg.partition("=")
    named = key in ("path", "file", "files") and path and not (root / arg).exists()
    return path if named and (root / path).exists() else arg


def _readable(args: list[str], root: Path) -> list[str]:
    """Arguments of `log` as they were meant: one line a commit, and a name without quotes is one name."""
    joined: list[str] = []
    author = False
    for arg in args:
        if author and arg[:1].isupper() and joined[-1] != "--author" and not (root / arg).exists():
            joined[-1] += f" {arg}"
            continue
        author = arg.startswith("--author") or (author and bool(joined) and joined[-1] == "--author")
        joined.append(arg)
    wide = re.compile(r"--(oneline|format|pretty|graph|stat|patch|name-|raw|numstat|shortstat|date)|-[pLSGu]")
    if any(wide.match(arg) for arg in joined):
        return joined
    return ["--format=%h %ad %an: %s", "--date=short", *joined]


def _effect(name: str, args: list[str]) -> Effect | None:
    if name in _READS or _only_reads(name, args):
        return "read"
    return "command" if name in _WRITES else None


def _only_reads(name: str, args: list[str]) -> bool:
    first = args[0] if args else ""
    if name in _LISTING:
        options = [arg for arg in args if arg.startswith("-")]
        listing = any(re.match(r"-l|--(list|contains|merged|no-merged|points-at)", arg) for arg in options)
        return all(_LISTING[name].fullmatch(arg) for arg in options) and (
            listing or len(options) == len(args)
        )
    if name == "stash":
        return first in ("list", "show")
    if name == "reflog":
        return first in ("", "show") or first.startswith("-")
    if name == "remote":
        return args in ([], ["-v"], ["show"]) or first == "get-url"
    if name == "config":
        return first in ("--get", "--list", "-l", "--get-all") and not any(
            a.startswith(("-f", "--fi", "--b")) for a in args
        )
    if name == "worktree":
        return args == ["list"]
    return name == "version"


def _refuse_options(name: str, args: list[str]) -> None:
    for arg in args:
        if arg == "--":
            return
        option = arg.partition("=")[0]
        long = len(option) > 3 and option.startswith("--") and any(bad.startswith(option) for bad in _REFUSED)
        short = any(arg.startswith(bad) for bad in _REFUSED_SHORT.get(name, ())) and not arg.startswith("--")
        bundled = (
            name in _REFUSED_SHORT
            and re.match(r"-[a-zA-Z]{2,}$", arg)
            and any(bad[1] in arg[1:] for bad in _REFUSED_SHORT[name] if bad != "-S")
        )
        if long or short or (bundled and name in ("grep", "rebase")):
            raise ToolError(f"git {name} {option} is not allowed here.", f"Leave {option} out.")


def _refuse_outside(args: list[str], root: Path) -> None:
    """`git diff A B` reads any two files of the disk when one lies outside the repository."""
    base = root.resolve()
    for before, arg in pairwise(["", *args]):
        if re.fullmatch(r"-[a-zA-Z]*m|--message|--grep|-[SG]", before):
            continue  # text, not a path
        value = arg.partition("=")[2] if arg.startswith("--") else arg
        leads_out = value.startswith(("/", "~", "\\")) or re.match(r"[A-Za-z]:[\\/]", value)
        if leads_out or ".." in re.split(r"[\\/]", value):
            path = Path(os.path.normpath(base / value))
            if path != base and base not in path.parents:
                raise ToolError(f"{value} is outside the project.", "Give a path relative to the project.")
