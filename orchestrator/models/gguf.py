"""The head of a GGUF file: what it says of itself. Nothing is loaded, nothing is trusted.

Format: magic `GGUF`, u32 version, u64 tensors, u64 pairs, then key–value pairs, all little-endian
(https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from orchestrator import durable
from orchestrator.errors import BadModelFile

_WANTED = ("general.architecture", "general.name", "general.license", "general.size_label")
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_PAIRS = 4096
_MAX_TEXT = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """What the file says; empty and 0 where it is silent. `context` in tokens."""

    architecture: str = ""
    name: str = ""
    licence: str = ""
    parameters: str = ""
    context: int = 0


def read(path: Path) -> Head:
    """The head of the file. Raises `BadModelFile` for anything that is not a whole GGUF head."""
    try:
        with durable.opened(path) as file:
            return _head(file)
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror or error}.") from error
    except (struct.error, ValueError, KeyError, MemoryError) as error:
        raise BadModelFile(
            f"{path} is not a usable GGUF file: {error}.", "Get the file again, or choose another one."
        ) from error


def _head(file: BinaryIO) -> Head:
    if file.read(4) != b"GGUF":
        raise ValueError("it does not start with the letters GGUF")
    (version,) = _unpack(file, "I")
    if version not in (2, 3):
        raise ValueError(f"its version {version} is not 2 or 3")
    _, pairs = _unpack(file, "QQ")
    if pairs > _MAX_PAIRS:
        raise ValueError(f"it claims {pairs} properties")
    found: dict[str, Any] = {}
    for _ in range(pairs):
        key = _text(file)
        (kind,) = _unpack(file, "I")
        if key in _WANTED or key.endswith(".context_length"):
            found[key.removeprefix("general.")] = _value(file, kind)
        elif key.startswith("tokenizer."):
            break  # megabytes of vocabulary, and the writers put it last
        else:
            _value(file, kind)
    return _interpret(found)


def _interpret(found: dict[str, Any]) -> Head:
    architecture = str(found.get("architecture", ""))
    context = found.get(f"{architecture}.context_length", 0)
    return Head(
        architecture=architecture,
        name=str(found.get("name", "")),
        licence=str(found.get("license", "")),
        parameters=str(found.get("size_label", "")),
        context=context if isinstance(context, int) else 0,
    )


def _unpack(file: BinaryIO, form: str) -> tuple[Any, ...]:
    size = struct.calcsize("<" + form)
    data = file.read(size)
    if len(data) != size:
        raise ValueError("it ends in its own head")
    return struct.unpack("<" + form, data)


def _text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "Q")
    if length > _MAX_TEXT:
        raise ValueError(f"it claims a text of {length} bytes")
    data = file.read(length)
    if len(data) != length:
        raise ValueError("it ends in its own head")
    return data.decode("utf-8", "replace")


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _STRING:
        return _text(file)
    if kind != _ARRAY:
        return _unpack(file, _NUMBERS[kind])[0]
    item, count = _unpack(file, "IQ")
    if count > _MAX_TEXT:
        raise ValueError(f"it claims a list of {count}")
    if item == _STRING:
        for _ in range(count):
            _text(file)
    elif item in _NUMBERS:
        file.seek(count * struct.calcsize("<" + _NUMBERS[item]), 1)
    else:
        raise ValueError(f"it has a list of kind {item}")
    return None
