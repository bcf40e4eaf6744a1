import io
import os
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.llama_frames import BadFrame, length, pack, read, unpack

LEAVES = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
FRAMES = st.dictionaries(st.text(max_size=5), VALUES, max_size=4)


@given(st.lists(FRAMES, max_size=4))
def test_what_is_packed_is_read(frames: list[dict[str, Any]]) -> None:
    source = io.BytesIO(b"".join(pack(frame) for frame in frames))
    assert [read(source) for _ in frames] == frames
    assert read(source) is None


@given(FRAMES, st.integers(min_value=1))
def test_a_frame_cut_off_is_the_end(frame: dict[str, Any], cut: int) -> None:
    data = pack(frame)
    assert read(io.BytesIO(data[: -min(cut, len(data))])) is None


def test_lone_surrogates_survive() -> None:
    assert unpack(pack({"t": "a\udc80"})[4:]) == {"t": "a\udc80"}


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_noise_is_not_a_frame(body: bytes) -> None:
    with pytest.raises(BadFrame):
        unpack(body)


def test_an_absurd_length_is_refused() -> None:
    with pytest.raises(BadFrame):
        length(b"\xff\xff\xff\xff")


def test_what_native_code_prints_stays_out_of_the_frames() -> None:
    code = """
import os
from orchestrator.models import llama_worker
def serve(self):
    os.write(1, b"ggml: noise")
    assert os.read(0, 1) == b""
    self._send("loaded", id=7)
llama_worker.Worker.serve = serve
llama_worker.main()
"""
    done = subprocess.run([sys.executable, "-c", code], input=b"frames", capture_output=True, check=True)
    source = io.BytesIO(done.stdout)
    assert read(source) == {"event": "loaded", "id": 7}
    assert not source.read()
    assert done.stderr == b"ggml: noise"


def test_the_worker_ends_with_its_input() -> None:
    command = [sys.executable, "-P", "-m", "orchestrator.models.llama_worker"]
    done = subprocess.run(command, input=b"", capture_output=True, timeout=300, env=dict(os.environ))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
