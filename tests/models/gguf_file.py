"""Tiny files that are GGUFs as far as their head goes."""

from __future__ import annotations

import hashlib
import struct


def tiny_gguf(size: int = 4096, architecture: str = "qwen2", seed: int = 1) -> bytes:
    """A head, then `size` bytes that do not repeat."""
    pairs = [
        _text("general.architecture") + struct.pack("<I", 8) + _text(architecture),
        _text("general.size_label") + struct.pack("<I", 8) + _text("0.1B"),
        _text("general.tags") + struct.pack("<IIQ", 9, 8, 2) + _text("a") + _text("b"),
        _text("general.numbers") + struct.pack("<IIQ3I", 9, 4, 3, 1, 2, 3),
        _text(f"{architecture}.context_length") + struct.pack("<II", 4, 2048),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)
    blocks = (hashlib.sha256(struct.pack("<QQ", seed, i)).digest() for i in range(size // 32 + 1))
    return head + b"".join(blocks)[:size]


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()
