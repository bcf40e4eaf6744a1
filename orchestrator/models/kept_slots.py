"""The slot of a llama-server: a project's KV cache on the server's own disk, between sessions.

One file a project: the server finds by itself how much of it still holds. A restore that fails empties
the slot, and with it what the server had in memory, so that only what this node saved is asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path

import httpx

from orchestrator import durable
from orchestrator.errors import ModelError

NUMBER = 0
"""The slot that sessions use. One is enough, and a second one would hold another half of the memory."""
_MOST = 64
"""Names that are remembered, the newest ones."""
_WAIT_S = 60.0


class SavedNames:
    """The file that keeps which slots this node has saved where. What cannot be kept is forgotten."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __contains__(self, name: str) -> bool:
        return name in self._read()

    def add(self, name: str) -> None:
        self._write([*(one for one in self._read() if one != name), name])

    def remove(self, name: str) -> None:
        self._write([one for one in self._read() if one != name])

    def _read(self) -> list[str]:
        try:
            names = json.loads(durable.read(self._file))
        except (OSError, ValueError):
            return []
        return [one for one in names if isinstance(one, str)] if isinstance(names, list) else []

    def _write(self, names: list[str]) -> None:
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            durable.replace(self._file, json.dumps(names[-_MOST:]).encode(), mode=0o600)


class KeptSlot:
    """One session's use of the slot. `root` is the server's address without `/v1`."""

    def __init__(self, client: httpx.AsyncClient, root: str, saved: SavedNames) -> None:
        self._client = client
        self._root = root
        self._saved = saved
        self._name = ""

    async def restore(self, model: str, digest: str, project: str) -> None:
        """Once a session, before its first request."""
        if self._name:
            return
        text = json.dumps([self._root, model, digest, project])
        self._name = f"orch-{hashlib.sha256(text.encode()).hexdigest()[:24]}.bin"
        if self._name in self._saved and not await self._done("restore"):
            self._saved.remove(self._name)

    async def save(self) -> None:
        """When the session ends; nothing where it never began."""
        if self._name and not self._client.is_closed and await self._done("save"):
            self._saved.add(self._name)

    async def _done(self, action: str) -> bool:
        """False where the server keeps no slots (no `--slot-save-path`), or has lost this one."""
        url = f"{self._root}/slots/{NUMBER}?action={action}"
        with contextlib.suppress(httpx.HTTPError, ModelError):
            response = await self._client.post(url, json={"filename": self._name}, timeout=_WAIT_S)
            return response.is_success
        return False
