"""The head of a GGUF file: what it says of itself. Nothing is loaded, nothing is trusted.

Format: magic `GGUF`, u32 version, u64 tensors, u64 pairs, then key–value pairs, a description of each
tensor, and from the next multiple of the alignment on the tensors' data, all little-endian
(https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from orchestrator import durable
from orchestrator.errors import BadModelFile

_Parsed = TypeVar("_Parsed")
_WANTED = ("general.architecture", "general.name", "general.license", "general.size_label")
_NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MAX_PAIRS = 4096
_MAX_TENSORS = 1 << 17
_MAX_DIMENSIONS = 4
_MAX_TEXT = 1 << 24  # bytes of a text, items of a list: vocabularies have a quarter of a million
_ALIGNMENT = 32
BLOCKS = {
    **{0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36)},
    **{10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292)},
    **{16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110)},
    **{22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8)},
    **{29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36)},
    **{41: (128, 18), 42: (64, 18)},
}
"""Elements and bytes of a block by tensor type, as ggml has them (`ggml_blck_size`, `ggml_type_size`)."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the file says; empty and 0 where it is silent. `context` in tokens."""

    architecture: str = ""
    name: str = ""
    licence: str = ""
    parameters: str = ""
    context: int = 0
    layers: int = 0


def read(path: Path) -> Head:
    """The head of the file. Raises `BadModelFile` where it does not start as a GGUF."""
    return _parsed(path, _head)


def check(path: Path) -> None:
    """Raises `BadModelFile` unless the file is a GGUF and as long as its tensors need. Reads no tensor;
    the vocabulary before them takes about a quarter of a second."""
    _parsed(path, _check)


def _parsed(path: Path, parse: Callable[[BinaryIO], _Parsed]) -> _Parsed:
    try:
        with durable.opened(path) as file:
            return parse(file)
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror or error}.") from error
    except (struct.error, ValueError, KeyError, MemoryError) as error:
        raise BadModelFile(
            f"{path} is not a usable GGUF file: {error}.", "Get the file again, or choose another one."
        ) from error


def _head(file: BinaryIO) -> Head:
    _, pairs = _counts(file)
    found: dict[str, Any] = {}
    for _ in range(pairs):
        key = _text(file)
        (kind,) = _unpack(file, "I")
        if key in _WANTED or key.endswith((".context_length", ".block_count")):
            found[key.removeprefix("general.")] = _value(file, kind)
        elif key.startswith("tokenizer."):
            break  # megabytes of vocabulary, and the writers put it last
        else:
            _value(file, kind)
    return _interpret(found)


def _check(file: BinaryIO) -> None:
    tensors, pairs = _counts(file)
    alignment = _ALIGNMENT
    for _ in range(pairs):
        key = _text(file)
        (kind,) = _unpack(file, "I")
        value = _value(file, kind)
        if key == "general.alignment":
            alignment = int(value)
    if alignment < 1:
        raise ValueError(f"it claims an alignment of {alignment}")
    ends = [_tensor_end(file) for _ in range(tensors)]
    start = -(-file.tell() // alignment) * alignment
    needed, size = start + max(ends, default=0), os.fstat(file.fileno()).st_size
    if ends and size < needed:
        raise ValueError(f"it is cut off after {size:,} of {needed:,} bytes")


def _counts(file: BinaryIO) -> tuple[int, int]:
    """How many tensors and properties it has."""
    if file.read(4) != b"GGUF":
        raise ValueError("it does not start with the letters GGUF")
    (version,) = _unpack(file, "I")
    if version not in (2, 3):
        raise ValueError(f"its version {version} is not 2 or 3")
    tensors, pairs = _unpack(file, "QQ")
    if pairs > _MAX_PAIRS or tensors > _MAX_TENSORS:
        raise ValueError(f"it claims {pairs} properties and {tensors} tensors")
    return tensors, pairs


def _tensor_end(file: BinaryIO) -> int:
    """Where a tensor's data ends, in bytes from the start of all data; of a type unknown here, where it
    begins."""
    _text(file)
    (dimensions,) = _unpack(file, "I")
    if dimensions > _MAX_DIMENSIONS:
        raise ValueError(f"it has a tensor of {dimensions} dimensions")
    elements = math.prod(_unpack(file, f"{dimensions}Q"))
    kind, offset = _unpack(file, "IQ")
    of_block, bytes_of_block = BLOCKS.get(kind, (1, 0))
    return int(offset + elements // of_block * bytes_of_block)


def _interpret(found: dict[str, Any]) -> Head:
    architecture = str(found.get("architecture", ""))
    context = found.get(f"{architecture}.context_length", 0)
    layers = found.get(f"{architecture}.block_count", 0)
    return Head(
        architecture=architecture,
        name=str(found.get("name", "")),
        licence=str(found.get("license", "")),
        parameters=str(found.get("size_label", "")),
        context=context if isinstance(context, int) else 0,
        layers=layers if isinstance(layers, int) else 0,
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
