from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.models.partial import Partial, state_path

CHUNKS = st.lists(st.tuples(st.binary(max_size=40), st.booleans()), max_size=12)


@settings(max_examples=60, deadline=None)
@given(chunks=CHUNKS, lost=st.integers(0, 60), flipped=st.integers(0, 400))
def test_what_is_taken_up_again_is_always_a_checkpointed_prefix(
    chunks: list[tuple[bytes, bool]], lost: int, flipped: int
) -> None:
    """A power cut loses bytes from the end, a bad disk changes one: only good bytes are kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.part"
        truth, safe = b"", [0]
        partial = Partial.open(path, "origin")
        for data, keep in chunks:
            partial.append(data)
            truth += data
            if keep:
                partial.checkpoint()
                safe.append(len(truth))
        partial.close()
        damaged = bytearray(path.read_bytes()[: max(0, len(truth) - lost)])
        good = len(damaged)
        if flipped < len(damaged):
            damaged[flipped] ^= 1
            good = flipped
        path.write_bytes(damaged)

        again = Partial.open(path, "origin")
        again.close()
        assert again.offset == max(at for at in safe if at <= good)
        assert path.read_bytes() == truth[: again.offset]
        assert again.sha256 == hashlib.sha256(truth[: again.offset]).hexdigest()


def test_another_origin_starts_from_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.part"
    first = Partial.open(path, "one")
    first.append(b"abc")
    first.checkpoint()
    first.close()
    second = Partial.open(path, "two")
    second.close()
    assert (second.offset, path.read_bytes()) == (0, b"")


def test_a_damaged_state_starts_from_nothing(tmp_path: Path) -> None:
    for state in ("", "{", "[]", '{"origin": "one", "checkpoints": 5}', '{"checkpoints": [["x", "y"]]}'):
        path = tmp_path / "a.part"
        path.write_bytes(b"abc")
        state_path(path).write_text(state)
        partial = Partial.open(path, "one")
        partial.close()
        assert partial.offset == 0


def test_discard_leaves_nothing(tmp_path: Path) -> None:
    partial = Partial.open(tmp_path / "a.part", "one")
    partial.append(b"abc")
    partial.checkpoint()
    partial.discard()
    assert list(tmp_path.iterdir()) == []
