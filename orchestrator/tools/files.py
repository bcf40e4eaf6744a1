"""Where a file is, what is in it, and how it is written: shared by search, read, write and edit."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from orchestrator import durable
from orchestrator.errors import ToolError
from orchestrator.paths import PROJECT_FOLDER

MAX_TEXT_BYTES = 20_000_000
_GUARDED = (".git", PROJECT_FOLDER)


@dataclass(frozen=True, slots=True)
class Text:
    """A text file's content and how it was encoded, so that it can be written back alike.

    `content` keeps its line ends as they are; `bom` is the byte order mark found, or empty.
    """

    content: str
    encoding: str = "utf-8"
    bom: bytes = b""

    def encode(self, content: str) -> bytes:
        """`content` as this file encodes it; UTF-8 if that encoding cannot hold it."""
        try:
            return self.bom + content.encode(self.encoding)
        except UnicodeEncodeError:
            return content.encode("utf-8")


def locate(root: Path, given: str) -> Path:
    """The absolute path, links resolved, that a model meant. Raises `ToolError` outside `root`."""
    name = given.strip().strip("`'\"").strip()
    if "\0" in name:
        raise ToolError("The path holds a NUL character.", "Give a path relative to the project.")
    if name.startswith("~"):
        raise ToolError(f"{given} is outside the project.", "Give a path relative to the project.")
    base = root.resolve()
    path = _meant(base, name or ".")
    if path != base and base not in path.parents:
        raise ToolError(
            f"{given} is outside the project.", "Only files of the project can be used; give a relative path."
        )
    return path


def _meant(base: Path, name: str) -> Path:
    """The path as given, or as models mean it: rooted at the project, named after it, with `:line`."""
    literal = _resolve(base, name)
    if os.path.lexists(literal):
        return literal
    relative = name.replace("\\", "/").lstrip("/")
    for other in (relative, relative.removeprefix(f"{base.name}/"), re.sub(r":\d+(:.*)?$", "", relative)):
        candidate = _resolve(base, other)
        if other and candidate.exists() and base in candidate.parents:
            return candidate
    return literal


def _resolve(base: Path, name: str) -> Path:
    try:
        return (base / name).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a name too long
        raise ToolError(
            f"{name[:200]} is not a usable path.", "Give a path relative to the project."
        ) from error


def relative(root: Path, path: Path) -> str:
    """The path as the model should write it: relative, with forward slashes."""
    return path.relative_to(root.resolve()).as_posix()


def refuse_guarded(root: Path, path: Path) -> None:
    """Raises `ToolError` where only git or orch itself writes."""
    parts = [_folded(part) for part in path.relative_to(root.resolve()).parts]
    if ".git" in parts or (parts and parts[0] == PROJECT_FOLDER):
        raise ToolError(f"{relative(root, path)} is kept by git or orch and cannot be written.", "Leave it.")


def _folded(name: str) -> str:
    """The name as Windows and macOS may take it: no case, invisible characters, streams, dots at its end."""
    seen = "".join(char for char in name if unicodedata.category(char) != "Cf")
    plain = seen.partition(":")[0].rstrip(". ").lower()
    return ".git" if plain == "git~1" else plain


def read_bytes(path: Path, shown: str, limit: int = MAX_TEXT_BYTES) -> bytes:
    """The bytes of a regular file, `path` being resolved: a link that stands there by now is not followed.

    Raises `ToolError` for anything else; never blocks on a FIFO.
    """
    try:
        with opened(path) as file:
            status = os.fstat(file.fileno())
            if status.st_size > limit:
                raise ToolError(
                    f"{shown} has {status.st_size:,} bytes, too many.", "Use search, or shell with head."
                )
            return file.read(limit)
    except durable.NotRegular as error:
        what = kind(os.lstat(path).st_mode)
        raise ToolError(f"{shown} is {what}, not a file.", "Name a regular file.") from error
    except OSError as error:
        raise ToolError(f"{shown} cannot be read: {error.strerror}.", "Try another file.") from error


def opened(path: Path) -> BinaryIO:
    """A regular file at a resolved path, open for reading. Raises `OSError`."""
    anchor = Path(path.anchor)
    return durable.opened_below(anchor, path.relative_to(anchor).as_posix())


def kind(mode: int) -> str:
    """What a path is, for a sentence."""
    names = {
        stat.S_IFDIR: "a folder",
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return names.get(stat.S_IFMT(mode), "a file")


def is_binary(data: bytes) -> bool:
    """Whether the first bytes of a file are no text."""
    head = data[:8192]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    if b"\0" in head:
        return True
    odd = sum(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head)
    return odd > len(head) // 10


def decode(data: bytes) -> Text:
    """UTF-8 with or without BOM, UTF-16 with BOM, else Latin-1, which holds any byte."""
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-8"),
    ):
        if data.startswith(bom):
            with contextlib.suppress(UnicodeDecodeError):
                return Text(data[len(bom) :].decode(encoding), encoding, bom)
    return Text(data.decode("latin-1"), "latin-1")


def write_atomic(root: Path, path: Path, data: bytes, shown: str) -> None:
    """Replace the file in one step, its permissions kept; parent folders are made. No link is followed.

    Raises `ToolError`; the old file is then untouched.
    """
    try:
        durable.replace_below(root.resolve(), relative(root, path), data)
    except OSError as error:
        raise ToolError(
            f"{shown} cannot be written: {error.strerror}.", "Choose another place, or tell the user."
        ) from error
