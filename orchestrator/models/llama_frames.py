"""Frames between the app and its llama.cpp worker: four bytes of length, then one JSON object."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

Frame = dict[str, Any]
_LENGTH = struct.Struct(">I")
HEAD = _LENGTH.size
_LARGEST = 256 * 1024 * 1024


class BadFrame(Exception):
    """What came is not a frame: the two ends have lost step and cannot go on."""


def pack(frame: Frame) -> bytes:
    body = json.dumps(frame, separators=(",", ":")).encode("ascii")
    return _LENGTH.pack(len(body)) + body


def length(head: bytes) -> int:
    """Bytes of the body that follows the `HEAD` bytes. Raises `BadFrame`."""
    (size,) = _LENGTH.unpack(head)
    if size > _LARGEST:
        raise BadFrame(f"a frame of {size} bytes")
    return int(size)


def unpack(body: bytes) -> Frame:
    try:
        frame = json.loads(body)
    except ValueError as error:
        raise BadFrame(str(error)) from error
    if not isinstance(frame, dict):
        raise BadFrame("not an object")
    return frame


def read(source: BinaryIO) -> Frame | None:
    """The next frame, or None at the end. Raises `BadFrame`."""
    head = source.read(HEAD)
    if len(head) < HEAD:
        return None
    size = length(head)
    body = source.read(size)
    return unpack(body) if len(body) == size else None
