from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.errors import BadModelFile
from orchestrator.models import gguf
from tests.models.gguf_file import tiny_gguf

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


def test_what_is_not_a_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(BadModelFile):
            gguf.read(path)
