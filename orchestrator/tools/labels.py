"""What a command line seems to do, for the person who is asked. Pure.

Labels inform and never permit: the sandbox is the boundary. A careful tokenizer of our own; whatever it
does not understand for certain, variables and substitutions among it, is "unknown".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from orchestrator.types import Label

LABELS: tuple[Label, ...] = ("writes outside", "network", "deletes", "privilege", "unknown")
_DEPTH = 4


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NETWORK = _words(
    "curl wget ssh scp sftp rsync nc ncat netcat telnet ftp ping dig nslookup host socat "
    "invoke-webrequest invoke-restmethod iwr irm new-pssession invoke-command icm enter-pssession "
    "test-netconnection start-bitstransfer"
)
_DELETES = _words("rm rmdir unlink shred truncate remove-item ri del erase rd clear-content")
_PRIVILEGE = _words(
    "sudo doas su pkexec runuser chroot nsenter unshare mount umount setcap chown useradd usermod "
    "passwd systemctl insmod modprobe set-executionpolicy "
    "schtasks reg new-service set-service register-scheduledtask add-mppreference set-mppreference takeown "
    "icacls bcdedit netsh runas sc.exe net new-localuser"
)
_READS = _words(
    "ls cat head tail grep egrep fgrep rg wc echo printf pwd true false sort uniq cut tr diff cmp "
    "file stat basename dirname realpath readlink date whoami id uname which type test [ seq sleep "
    "cd du df nl tac rev get-childitem get-content get-item get-location get-date select-string "
    "select-object where-object sort-object measure-object format-table format-list test-path "
    "write-output write-host gci gc"
)
_WRITES = _words(
    "touch mkdir cp mv tee ln install dd set-content add-content out-file new-item copy-item move-item "
    "rename-item export-csv tee-object ni cpi copy mi move ac xcopy robocopy"
)
_WRAPPERS = _words("env timeout nice nohup time stdbuf setsid command builtin exec xargs ionice")
_SHELLS = _words("bash sh dash zsh ksh")
_SHELLS_OF_WINDOWS = _words("pwsh powershell cmd")
_NET = re.compile(
    r"net\.webclient|download(file|string|data)|httpclient|tcpclient|webrequest\]", re.IGNORECASE
)
_INSTALLERS = _words("pip pip3 npm yarn pnpm cargo go gem apt apt-get dnf brew uv poetry")
_FETCHING = _words("install add i ci get update upgrade download publish push pull fetch clone")
_OPERATORS = re.compile(r"[;&|\n()]+|[<>]+[&|]?")
_ASSIGNS = re.compile(r"[A-Za-z_]\w*=")


def labels(command: str, *, powershell: bool = False) -> tuple[Label, ...]:
    """The labels of one command line, in the order of `LABELS`."""
    found = set(_line(command, powershell, 0))
    return tuple(label for label in LABELS if label in found)


def _line(command: str, powershell: bool, depth: int) -> Iterator[Label]:
    if depth > _DEPTH:
        yield "unknown"
        return
    if powershell:
        if re.search(r"-verb\s+runas", command, re.IGNORECASE):
            yield "privilege"
        if "`" in command:
            yield "unknown"
        if _NET.search(command):
            yield "network"
        if re.search(r"\]::(delete|move)", command, re.IGNORECASE):
            yield "deletes"
        command = command.replace("{", ";").replace("}", ";").replace("\\", "/")
    if re.search(r"[$`]|<<|\\\n|[{}!*?~\[]", command.replace("[ ", "").replace("~/", "")):
        yield "unknown"  # what it expands to is not known here
    for inner in re.findall(r"\$\(([^()]*)\)|`([^`]*)`", command):
        yield from _line("".join(inner), powershell, depth + 1)
    try:
        lexer = shlex.shlex(command, posix=True, punctuation_chars=";&|()<>\n")
        lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t\r", "", True
        words = list(lexer)
    except ValueError:  # a quote that is never closed
        yield "unknown"
        words = re.findall(r"[^\s;&|()<>'\"]+|[;&|()\n]+|[<>]+", command)
    simple: list[str] = []
    for word in [*words, ";"]:
        if _OPERATORS.fullmatch(word) and not word.startswith(("<", ">")):
            yield from _simple(simple, powershell, depth)
            simple = []
        else:
            simple.append(word)


def _simple(words: Sequence[str], powershell: bool, depth: int) -> Iterator[Label]:
    """One command with its redirections."""
    rest: list[str] = []
    parts = iter(words)
    for word in parts:
        if _OPERATORS.fullmatch(word):
            target = next(parts, "")
            if ">" in word and not target.isdecimal() and target != "-":
                yield from _target(target)
        else:
            rest.append(word)
    while rest and _ASSIGNS.match(rest[0]):
        yield "unknown"  # LD_PRELOAD, GIT_EXTERNAL_DIFF, PATH: what runs then is anybody's guess
        rest.pop(0)
    if rest:
        yield from _program(rest, powershell, depth)


def _program(words: Sequence[str], powershell: bool, depth: int) -> Iterator[Label]:
    name, args = PurePosixPath(words[0]).name.lower(), list(words[1:])
    name = name if name in _PRIVILEGE else name.removesuffix(".exe")
    if "/" in words[0]:
        yield "unknown"  # a file of that name may be anything
    if name in _PRIVILEGE:
        yield "privilege"
        yield from _line(shlex.join(_after_options(args)), powershell, depth + 1)
    elif name in _WRAPPERS:
        if any(_ASSIGNS.match(arg) for arg in args):
            yield "unknown"
        if inner := [arg for arg in _after_options(args) if not _ASSIGNS.match(arg)]:
            yield from _line(shlex.join(inner), powershell, depth + 1)
    elif name in _SHELLS:
        yield "unknown"
        for before, after in pairwise(args):
            if before.startswith("-") and "c" in before:
                yield from _line(after, powershell, depth + 1)
    elif name in _SHELLS_OF_WINDOWS:
        yield "unknown"
        begins = [
            number for number, arg in enumerate(args) if re.fullmatch(r"[-/](c|k|command)", arg.lower())
        ]
        if begins:
            yield from _line(" ".join(args[begins[0] + 1 :]), True, depth + 1)
    elif name in _DELETES:
        yield "deletes"
        yield from _outside(args)
    elif name in _WRITES:
        yield from _outside(args)
    elif name in _NETWORK:
        yield "network"
        yield from _outside(args)
    elif name == "find":
        yield from _find(args, powershell, depth)
    elif name == "git":
        yield from _git(args)
    elif name in _INSTALLERS and _FETCHING & set(args):
        yield "network"
        yield "unknown"
    elif name not in _READS or (name == "sort" and any(arg.startswith(("-o", "--o")) for arg in args)):
        yield "unknown"


def _find(args: Sequence[str], powershell: bool, depth: int) -> Iterator[Label]:
    if "-delete" in args:
        yield "deletes"
        yield from _outside(args[:1])
    for number, arg in enumerate(args):
        if arg in ("-exec", "-execdir", "-ok", "-okdir"):
            yield from _line(shlex.join(args[number + 1 :]), powershell, depth + 1)
        elif arg.startswith("-f") and arg[2:] in ("print", "print0", "printf", "ls"):
            yield from _outside(args[number + 1 : number + 2])


def _git(args: Sequence[str]) -> Iterator[Label]:
    verb = next((arg for arg in args if not arg.startswith("-")), "")
    if args and args[0].startswith("-"):
        yield "unknown"  # -c names programs
    if verb in ("push", "pull", "fetch", "clone", "ls-remote", "submodule"):
        yield "network"
    if verb in ("rm", "clean") or (verb in ("reset", "checkout", "restore") and len(args) > 1):
        yield "deletes"
    if verb not in ("status", "log", "show", "diff", "blame", "add", "commit", "rm", "clean", "reset"):
        yield "unknown"


def _after_options(args: Sequence[str]) -> list[str]:
    """What stands after options and the numbers that belong to them."""
    rest = list(args)
    while rest and (rest[0].startswith("-") or re.fullmatch(r"[\d.]+[smhd]?", rest[0])):
        rest.pop(0)
    return rest


def _outside(args: Sequence[str]) -> Iterator[Label]:
    for arg in args:
        if not arg.startswith("-"):
            yield from _target(arg)
        elif "=" in arg:
            yield from _target(arg.partition("=")[2])


def _target(path: str) -> Iterator[Label]:
    """A path that is written: outside where it is absolute or leads up, as far as words tell."""
    path = path.removeprefix("of=")
    if path in ("/dev/null", "/dev/stdout", "/dev/stderr"):
        return
    if path.startswith(("/", "~")) or ".." in path.split("/") or re.match(r"[A-Za-z]:", path):
        yield "writes outside"
    elif "$" in path or "`" in path or not path:
        yield "unknown"
