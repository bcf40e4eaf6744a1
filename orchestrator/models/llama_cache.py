"""Bringing the KV cache to a prompt: from what it holds, from a snapshot, else by prefill.

Loaded by the worker process only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from orchestrator.models.llama_engine import Engine, Stopped
from orchestrator.models.snapshot import Snapshot, SnapshotStore
from orchestrator.types import EVERYBODY, Owner

_WORTH = 64  # tokens below which a snapshot saves less time than it takes
_WORTH_HALF = 256  # tokens that a prefill which was stopped must have gained to be kept
_ROWS = 4  # llama.cpp computes tokens in fours, and what is left over by another kernel

Tell = Callable[[int, int, int], None]
"""Hears `done` of `total` new tokens, and how many came from the cache."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids, and where snapshots may end: `base` and `stable` tokens, 0 where it is not worth one."""

    ids: tuple[int, ...]
    base: int
    stable: int
    owner: Owner

    @classmethod
    def of(
        cls,
        parts: Sequence[Sequence[int]],
        opening: Sequence[int],
        base: int,
        stable: int,
        owner: Owner = EVERYBODY,
    ) -> Prompt:
        """`parts` are the ids of each message; `base` and `stable` count leading messages."""
        ids = tuple(token for part in (*parts, opening) for token in part)
        first, second = (_cut(sum(map(len, parts[:count]))) for count in (base, stable))
        return cls(ids, first, max(first, second), owner)

    @property
    def marks(self) -> list[int]:
        return sorted({self.base, self.stable} - {0})


class PromptCache:
    """`store` None: no snapshots are read or written, and prefill is cut in the same places."""

    def __init__(self, engine: Engine, store: SnapshotStore | None, space: str) -> None:
        self._engine = engine
        self._store = store
        self._space = space

    def wait(self, timeout: float | None = None) -> None:
        """Until everything saved is in place."""
        if self._store:
            self._store.wait(timeout)

    def known(self, prompt: Prompt) -> int:
        """How many tokens up to the stable cut a snapshot holds."""
        found = self._best(prompt, prompt.stable)
        return _aligned(found.shared) if found else 0

    def restore(self, prompt: Prompt, *, hit: bool = True) -> int:
        """Bring the cache to the longest known prefix of the prompt; how many tokens that is.

        Snapshots end where the prompt is stable, so that none is looked for beyond. `hit`: it counts.
        """
        engine, limit = self._engine, len(prompt.ids) - 1  # the last one is always computed, for its logits
        shared = engine.shared(prompt.ids)
        while shared < min(limit, prompt.stable) and (found := self._best(prompt, limit)) and self._store:
            if found.shared < shared + _WORTH:
                break
            if self._store.whole(found) and engine.load(found.path, found.ids):
                if hit:
                    self._store.used(found)
                shared = found.shared
                break
            self._store.drop(found.path)
            shared = engine.shared(prompt.ids)
        return engine.keep(_aligned(min(shared, limit)))

    def prefill(self, prompt: Prompt, cached: int, tell: Tell) -> None:
        """The rest of the prompt; snapshots are saved on the way. Raises `Stopped`."""
        self._to(prompt, prompt.ids, cached, tell, logits=True)

    def warm(self, prompt: Prompt, tell: Tell) -> int:
        """Make the snapshots of the prompt what they would be after a prefill of it.

        How many tokens came from the cache. Raises `Stopped`; what was done so far is kept then.
        """
        head = replace(prompt, ids=prompt.ids[: prompt.stable])
        if self._saved(head, head.stable):
            return head.stable
        cached = self._restore_head(head)
        try:
            self._to(head, head.ids, cached, tell, logits=False)
        except Stopped:
            self._keep_half(head)
            raise
        if cached >= head.stable:  # a longer one held it all, perhaps that of another project
            self._save(head, head.stable)
        return cached

    def _restore_head(self, head: Prompt) -> int:
        """As `restore`; the whole head may come from a longer snapshot, since no logits are wanted."""
        padded = replace(head, ids=(*head.ids, -1))
        return self.restore(padded, hit=False)

    def _to(self, prompt: Prompt, ids: Sequence[int], cached: int, tell: Tell, *, logits: bool) -> None:
        engine, total = self._engine, len(ids) - cached
        tell(0, total, cached)
        for end in [*(mark for mark in prompt.marks if mark > cached), len(ids)]:
            while (at := len(engine.ids)) < end:
                if engine.stop():
                    raise Stopped
                engine.prefill(ids[at : min(at + engine.chunk, end)], logits and end == len(ids))
                tell(len(engine.ids) - cached, total, cached)
            if end in prompt.marks:
                self._save(prompt, end)

    def _save(self, prompt: Prompt, end: int) -> None:
        """Save the cache, which holds the first `end` tokens."""
        if self._store and end:
            owner, size = self._owner(prompt, end), self._engine.state_size()
            self._store.save(self._space, owner, prompt.ids[:end], size, self._engine.save)

    def _saved(self, prompt: Prompt, end: int) -> bool:
        if not self._store or not end:
            return self._engine.shared(prompt.ids[:end]) >= end
        return self._store.has(self._space, prompt.ids[:end], self._owner(prompt, end))

    def _keep_half(self, head: Prompt) -> None:
        """Keep a prefill that was stopped, unless somebody has saved more of the prompt meanwhile."""
        done, found = len(self._engine.ids), self._best(head, head.stable)
        if done > head.base and done - (found.shared if found else 0) >= _WORTH_HALF:
            self._save(head, done)

    def _owner(self, prompt: Prompt, end: int) -> Owner:
        return prompt.owner if end > prompt.base else Owner()

    def _best(self, prompt: Prompt, limit: int) -> Snapshot | None:
        if not self._store:
            return None
        return self._store.best(self._space, prompt.ids[:limit], prompt.marks, prompt.owner)


def _cut(tokens: int) -> int:
    """Where a snapshot may end near `tokens`; 0 where it would be too short to be worth it."""
    return _aligned(tokens) if tokens >= _WORTH else 0


def _aligned(count: int) -> int:
    """Where a prompt may be cut without changing the last bits of any logit."""
    return count - count % _ROWS
