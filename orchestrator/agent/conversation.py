"""The conversation of one session: messages with their tokens, growing only at its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from orchestrator.context.builder import MESSAGE_OVERHEAD
from orchestrator.ports import Backend
from orchestrator.types import Message


@dataclass
class Conversation:
    """What was said since the documents. `tokens` is an upper bound, in the model's own count.

    While it is `private`, every message added is.
    """

    backend: Backend
    private: bool = False
    messages: list[Message] = field(default_factory=list)
    _sizes: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(self._sizes)

    async def add(self, message: Message) -> None:
        written = message.text or str(dict(message.call.arguments) if message.call else "")
        size = len(message.ids) or (await self.backend.count([written]))[0]
        self.messages.append(replace(message, private=True) if self.private else message)
        self._sizes.append(size + MESSAGE_OVERHEAD)

    def copy(self) -> Conversation:
        """Another that begins as this one stands."""
        return replace(self, messages=list(self.messages), _sizes=list(self._sizes))

    def drop_tail(self, count: int) -> None:
        """Forget the newest `count` messages; the prefix before them stays as it was."""
        if count:
            del self.messages[-count:], self._sizes[-count:]

    def clear(self) -> None:
        self.messages.clear()
        self._sizes.clear()
