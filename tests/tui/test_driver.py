"""A terminal that went away."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread

from orchestrator.local_node import LocalNode
from orchestrator.tui.app import OrchApp
from orchestrator.tui.driver import HangupDriver, LossyFile
from orchestrator.tui.node import Wish

HANGS_S = 60  # a limit for a hung program, not a measurement


class Gone(io.StringIO):
    """What a terminal is after its window was closed."""

    def write(self, text: str) -> int:
        raise OSError(5, "Input/output error")

    def flush(self) -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_hung_up_takes_whatever_is_written() -> None:
    thread = WriterThread(LossyFile(Gone()))  # type: ignore[arg-type]
    thread.start()

    def write() -> None:
        for _ in range(MAX_QUEUED_WRITES * 3):
            thread.write("x")
        thread.stop()

    writing = threading.Thread(target=write, daemon=True)
    writing.start()
    writing.join(HANGS_S)
    assert not writing.is_alive()


def test_the_app_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    node = LocalNode()
    assert OrchApp(node, Wish(tmp_path)).driver_class is HangupDriver
    node.close()
