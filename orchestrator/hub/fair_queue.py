"""Who is next: devices in turn, each with its own line. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_OF_DEVICE = 8
MOST_IN_ALL = 256


class FairQueue(Generic[T]):
    """A device that asks much waits behind its own questions, not others behind it."""

    def __init__(self, of_device: int = MOST_OF_DEVICE, in_all: int = MOST_IN_ALL) -> None:
        self._of_device = of_device
        self._in_all = in_all
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def room(self, device: str) -> int:
        """How many more it takes of this device; below zero when it takes none of anybody."""
        if len(self) >= self._in_all:
            return -1
        return self._of_device - len(self._lines.get(device, ()))

    def put(self, device: str, item: T) -> None:
        self._lines.setdefault(device, deque()).append(item)

    def take(self) -> T | None:
        """The next item; its device goes to the end of the round."""
        if not self._lines:
            return None
        device, line = next(iter(self._lines.items()))
        item = line.popleft()
        self._lines.move_to_end(device)
        if not line:
            del self._lines[device]
        return item

    def remove(self, device: str, item: T) -> bool:
        """Whether it still waited."""
        line = self._lines.get(device)
        if line is None or item not in line:
            return False
        line.remove(item)
        if not line:
            del self._lines[device]
        return True

    def order(self) -> list[T]:
        """All that wait, as `take` would give them."""
        lines = [list(line) for line in self._lines.values()]
        rounds = max(map(len, lines), default=0)
        return [line[place] for place in range(rounds) for line in lines if place < len(line)]
