"""Lines that match a pattern: by ripgrep, or by Python where it is missing, in the same shape."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator import paths
from orchestrator.documents.tiers import BRIEFING, LOG
from orchestrator.errors import ToolError
from orchestrator.tools import files, walk
from orchestrator.tools.text import clean

MAX_FILE_BYTES = 4_000_000
MAX_PER_FILE = 100
MAX_HITS = 2_000
TIME_S = 20.0
_OUTPUT_BYTES = 2_000_000
_JOURNALS = (BRIEFING.filename, LOG.filename)
_RISKY = re.compile(r"[+*}]\)[+*{]|\\[1-9]|\)\?[+*{]")  # could take for ever in Python's engine


@dataclass(frozen=True, slots=True)
class Hit:
    """One matching line: relative path, number from 1, text without control characters."""

    path: str
    line: int
    text: str


class BadPattern(Exception):
    """The pattern is no regular expression."""


async def grep(root: Path, under: Path, pattern: str, *, fixed: bool, case: bool) -> list[Hit]:
    """Hits below `under`, sorted by path, at most `MAX_HITS`. Raises `BadPattern`.

    Hidden, ignored, binary and very large files are left out; links are not followed. Neither are the
    journals of sessions searched, unless named: they hold every question ever asked, this one too.
    """
    rg = paths.program("rg", root)
    where = files.relative(root, under)
    if rg is None:
        hits = await asyncio.to_thread(_python, root, under, pattern, fixed, case)
    else:
        hits = await _ripgrep(rg, root, where, pattern, fixed, case)
    return [hit for hit in hits if hit.path not in _JOURNALS or hit.path == where]


async def _ripgrep(rg: str, root: Path, where: str, pattern: str, fixed: bool, case: bool) -> list[Hit]:
    argv = [
        *(rg, "--no-config", "--no-messages", "--line-number", "--with-filename", "--no-heading", "--null"),
        *("--color=never", "--no-follow", "--sort=path", "--no-require-git", f"--max-count={MAX_PER_FILE}"),
        *(f"--max-filesize={MAX_FILE_BYTES}", "--max-columns=400", "--max-columns-preview"),
        *(["--fixed-strings"] if fixed else []),
        *([] if case else ["--ignore-case"]),
        *("-e", pattern, "--", where),
    ]
    process = await asyncio.create_subprocess_exec(
        *argv,
        cwd=root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    data, ended = bytearray(), False
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TIME_S):
                while len(data) < _OUTPUT_BYTES and (piece := await process.stdout.read(65536)):
                    data += piece
                ended = len(data) < _OUTPUT_BYTES
                if ended:
                    await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        while await process.stdout.read(65536):
            pass  # what was on its way when it was killed
        await process.wait()
    if ended and process.returncode == 2 and not data:
        raise BadPattern(pattern)
    if not ended and not data:
        raise _too_slow()
    return list(_hits(bytes(data)))[:MAX_HITS]


def _hits(data: bytes) -> Iterator[Hit]:
    for record in re.finditer(rb"([^\0]+)\0(\d+):([^\n]*)\n", data):
        name = record[1].decode("utf-8", "replace").removeprefix("./")
        text = record[3].decode("utf-8", "replace").rstrip("\r")
        yield Hit(_one_line(name), int(record[2]), clean(text))


def _too_slow() -> ToolError:
    return ToolError(f"Nothing was found within {TIME_S:.0f} seconds.", "Search in one folder of it.")


def _one_line(name: str) -> str:
    return clean(name).replace("\n", "\\n")


def _python(root: Path, under: Path, pattern: str, fixed: bool, case: bool) -> list[Hit]:
    if not fixed and _RISKY.search(pattern):
        raise BadPattern(pattern)
    try:
        regex = re.compile(re.escape(pattern) if fixed else pattern, 0 if case else re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(pattern) from error
    hits: list[Hit] = []
    until = time.monotonic() + TIME_S
    single = under.is_file()
    names = [files.relative(root, under)] if single else walk.project_files(root, under)
    for name in names:
        hits += _in_file(root.resolve() / name, name, regex)
        if len(hits) >= MAX_HITS:
            break
        if time.monotonic() > until:
            if not hits:
                raise _too_slow()
            break
    return hits[:MAX_HITS]


def _in_file(path: Path, name: str, regex: re.Pattern[str]) -> list[Hit]:
    try:
        data = files.read_bytes(path, name, MAX_FILE_BYTES)
    except ToolError:
        return []
    if files.is_binary(data):
        return []
    found = []
    for number, line in enumerate(files.decode(data).content.split("\n"), 1):
        if regex.search(line[:2000]):
            found.append(Hit(_one_line(name), number, clean(line.rstrip("\r"))[:400]))
            if len(found) >= MAX_PER_FILE:
                break
    return found
