"""Tiny files that are GGUFs as far as their head and their size go."""

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
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs) + noise(size, seed)


def gguf_with_tensors(alignment: int = 32) -> bytes:
    """Two tensors of 256 elements: one as F32, one as Q4_K, the last of its bytes the file's last."""
    pairs = [
        _text("general.alignment") + struct.pack("<II", 4, alignment),
        _text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 2) + _text("a") + _text("b"),
    ]
    tensors = [
        _text("first") + struct.pack("<IQIQ", 1, 256, 0, 0),
        _text("second") + struct.pack("<IQQIQ", 2, 128, 2, 12, 1024),
    ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join(pairs + tensors)
    return head + bytes(-len(head) % alignment) + noise(1024 + 144)


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not repeat."""
    blocks = (hashlib.sha256(struct.pack("<QQ", seed, i)).digest() for i in range(size // 32 + 1))
    return b"".join(blocks)[:size]


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()
