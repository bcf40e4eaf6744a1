from __future__ import annotations

import contextlib
import ctypes
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadModelFile
from orchestrator.models import gguf
from tests.models.gguf_file import gguf_with_tensors, tiny_gguf

HEAD = len(tiny_gguf(0))


def test_the_head_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    file.write_bytes(tiny_gguf())
    assert gguf.read(file) == gguf.Head(architecture="qwen2", parameters="0.1B", context=2048)


@pytest.mark.model
def test_the_head_of_the_real_model(small_model: Path) -> None:
    head = gguf.read(small_model)
    assert (head.architecture, head.parameters, head.context) == ("qwen2", "0.5B", 32768)


def test_every_truncated_head_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    for length in range(HEAD):
        file.write_bytes(tiny_gguf(0)[:length])
        with pytest.raises(BadModelFile):
            gguf.read(file)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, HEAD - 1), value=st.integers(0, 255))
def test_a_damaged_head_is_read_or_refused(at: int, value: int) -> None:
    """Nothing but `BadModelFile` may come out of a file that lies."""
    data = bytearray(tiny_gguf(64))
    data[at] = value
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(BadModelFile):
        file = Path(folder) / "damaged.gguf"
        file.write_bytes(data)
        assert isinstance(gguf.read(file).context, int)


@pytest.mark.parametrize("alignment", [32, 64, 4096])
def test_a_file_shorter_than_its_tensors_is_refused(tmp_path: Path, alignment: int) -> None:
    whole = gguf_with_tensors(alignment)
    file = tmp_path / "a.gguf"
    file.write_bytes(whole)
    gguf.check(file)
    for length in (*range(0, len(whole), 7), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(BadModelFile):
            gguf.check(file)
    with pytest.raises(BadModelFile, match=f"cut off after {len(whole) - 1:,} of {len(whole):,} bytes"):
        gguf.check(file)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 200), value=st.integers(0, 255))
def test_damage_before_the_tensors_is_found_or_harmless(at: int, value: int) -> None:
    data = bytearray(gguf_with_tensors())
    data[at] = value
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(BadModelFile):
        file = Path(folder) / "damaged.gguf"
        file.write_bytes(data)
        gguf.check(file)


@pytest.mark.model
def test_the_real_model_is_whole_to_its_last_byte(small_model: Path, tmp_path: Path) -> None:
    gguf.check(small_model)
    size = small_model.stat().st_size
    file = tmp_path / "cut.gguf"
    with small_model.open("rb") as real, file.open("wb") as cut:
        cut.write(real.read(8 << 20))  # all of its head; the rest is a hole that takes no space
        cut.truncate(size)
    gguf.check(file)
    os.truncate(file, size - 1)
    with pytest.raises(BadModelFile, match=f"cut off after {size - 1:,} of {size:,} bytes"):
        gguf.check(file)


@pytest.mark.model
def test_block_sizes_are_those_of_the_library() -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    found = sorted((Path(llama_cpp.__file__).parent / "lib").glob("*ggml-base*"))
    library = ctypes.CDLL(str(found[0]))
    library.ggml_blck_size.restype, library.ggml_type_size.restype = ctypes.c_int64, ctypes.c_size_t
    for kind, blocks in gguf.BLOCKS.items():
        assert (library.ggml_blck_size(kind), library.ggml_type_size(kind)) == blocks


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(BadModelFile):
            gguf.read(path)
