"""What a command prints, as it is kept and as it is streamed: both with a cap."""

from __future__ import annotations

import codecs

from orchestrator.ports import OutputSink
from orchestrator.tools.settled import Settled

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 64 * 1024
STREAMED_CHARS = 256 * 1024
SETTLED_BYTES = 4 << 20


class Kept:
    """The first and last bytes of a stream; its middle is counted and forgotten."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.tail = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        room = max(0, HEAD_BYTES - len(self.head))
        self.head += data[:room]
        self.tail += data[room:]
        if len(self.tail) > 2 * TAIL_BYTES:
            self._trim()

    def _trim(self) -> None:
        over = max(0, len(self.tail) - TAIL_BYTES)
        self.dropped += over
        del self.tail[:over]

    def peek(self) -> str:
        """What there is by now, while more may come."""
        return self.text()

    def text(self) -> str:
        self._trim()
        if not self.dropped:
            return (self.head + self.tail).decode("utf-8", "replace")
        head, tail = (part.decode("utf-8", "replace") for part in (self.head, self.tail))
        return f"{head}\n[… {self.dropped:,} bytes left out …]\n{tail}"


class KeptSettled(Kept):
    """The same of a terminal's output, as it stands in the end; a flood is kept as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._settled = Settled()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._room = SETTLED_BYTES

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            super().add(data)
            return
        self._room -= len(data)
        super().add(self._settled.feed(self._decoder.decode(data)).encode())
        if self._room <= 0:
            super().add(self._settled.rest().encode())

    def peek(self) -> str:
        rest = self._settled.rest() if self._room > 0 else ""
        return super().text() + rest

    def text(self) -> str:
        if self._room > 0:
            self._room = 0
            super().add(self._settled.rest().encode())
        return super().text()


class Stream:
    """Passes decoded output on to the sink, up to a limit that keeps a front end alive."""

    def __init__(self, sink: OutputSink) -> None:
        self._sink = sink
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._room = STREAMED_CHARS

    def add(self, data: bytes) -> None:
        if self._room <= 0:
            return
        text = self._decoder.decode(data)[: self._room]
        self._room -= len(text)
        if text:
            self._sink(text)
        if self._room <= 0:
            self._sink("\n[… further output is not shown …]\n")
