"""The embedded model: llama.cpp in a child process, behind the `Backend` port."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from orchestrator import durable
from orchestrator.errors import BadModelFile, ModelError, NoModel, WindowFull
from orchestrator.models import chat_template
from orchestrator.models.chat_template import ChatTemplate
from orchestrator.models.dialects import OPENING, Decoder, grammar
from orchestrator.models.likely import prior
from orchestrator.models.llama_frames import Frame
from orchestrator.models.llama_process import Reply, WorkerProcess
from orchestrator.models.snapshot import SnapshotStore
from orchestrator.ports import Progress
from orchestrator.types import (
    AnswerText,
    Finish,
    Generated,
    GenerateRequest,
    Message,
    ModelInfo,
    Prefill,
    Usage,
    Warmed,
)

_STALE = "The machine or llama.cpp has changed since {0} was tuned: run `orch model tune {0}`."
_PULL = "Fetch it anew: orch model pull {}"


@dataclass(slots=True)
class _Turn:
    """The generation that runs: what has come so far, and whether it is to stop."""

    decoder: Decoder | None
    reply: Reply | None = None
    text: str = ""
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    def feed(self, piece: str) -> str:
        self.text += piece
        return self.decoder.feed(piece) if self.decoder else piece

    def finish(self, reason: str, ids: Sequence[int], usage: Usage) -> Finish:
        """`reason` is one of `FinishReason`."""
        call, text = self.decoder.finish(cut=reason != "stop") if self.decoder else (None, self.text)
        message = Message("assistant", self.text, call=call, ids=tuple(ids))
        return Finish(reason, call, text, message, usage)  # type: ignore[arg-type]  # checked by the worker


class LlamaBackend:
    """A GGUF model on this machine. One generation at a time, in one event loop.

    `threads` 0 measures once and keeps the result in the folder `home` (without one: all cores).
    `model_hash` names the file's content, to which snapshots and calibration belong; without one
    path, size and time do. With a `seed`, sampling at a temperature above 0 repeats itself.
    While it generates it has a marker in the folder `busy`.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        *,
        context_size: int,
        threads: int,
        gpu_layers: int,
        snapshots: SnapshotStore | None,
        model_hash: str,
        family: str = "",
        log: Path | None = None,
        home: Path | None = None,
        busy: Path | None = None,
        seed: int | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self._family = family
        self._log = log
        self._seed = seed
        self._hash = model_hash
        self._settings: Frame = {
            "model": str(path),
            "context_size": context_size,
            "threads": min(threads, os.cpu_count() or threads),  # more would only wait for each other
            "gpu_layers": gpu_layers,
            "snapshots": snapshots and snapshots.described(),
            "busy": str(busy) if busy else None,
            "calibration": str(home / "threads.json") if home else None,
            "tuning": str(home / "tuning.json") if home else None,
        }
        self._worker: WorkerProcess | None = None
        self._loading: asyncio.Task[ModelInfo] | None = None
        self._template: ChatTemplate = chat_template.CHATML
        self._progress: Progress = lambda share: None
        self._load_ms = 0.0  # of a load that no generation has reported yet
        self._busy = asyncio.Lock()
        self._turn: _Turn | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id while it lives."""
        return self._worker.pid if self._worker and self._worker.alive else None

    # --- Backend --------------------------------------------------------------------------------

    async def start(self, progress: Progress | None = None) -> ModelInfo:
        """Raises `NoModel`, `BadModelFile`, `WorkerDied` or `ModelError`."""
        self._progress = progress or self._progress
        return await asyncio.shield(self._load())

    async def count(self, texts: Sequence[str]) -> list[int]:
        for _ in range(2):  # a worker that died while nobody asked is noticed here, and replaced
            await self.start()
            worker = self._alive()
            reply = worker.open()
            await worker.send({"op": "count", "id": reply.id, "texts": list(texts)})
            async for frame in reply:
                return list(frame["counts"])
        raise worker.death()

    async def generate(self, request: GenerateRequest) -> AsyncIterator[Generated]:
        """Without `choices` the model writes plain text, under no grammar."""
        async with self._busy:
            turn = self._turn = _Turn(Decoder(request.choices) if request.choices else None)
            try:
                if not await self._ready(turn):
                    yield turn.finish("cancelled", (), Usage())
                    return
                async for item in self._run(turn, request):
                    yield item
            finally:
                self._turn = None

    async def warm(
        self, request: GenerateRequest, *, yields: bool = False, look: bool = False
    ) -> AsyncIterator[Prefill | Warmed]:
        """Bring the snapshots of the request's stable part up to date; the last item is `Warmed`.

        With `yields` it stops as soon as somebody generates on this node; with `look` nothing is
        prefilled, and `Warmed` says what a session would find.
        """
        async with self._busy:
            turn = self._turn = _Turn(None)
            try:
                if not await self._ready(turn):
                    yield Warmed("cancelled", 0, 0)
                    return
                worker = self._alive()
                turn.reply = reply = worker.open()
                frame = self._prompt(request) | {"yields": yields, "look": look}
                await worker.send({"op": "warm", "id": reply.id, **frame})
                async for frame in reply:
                    if frame["event"] == "error":
                        raise self._error(frame, worker)
                    if frame["event"] == "warmed":
                        yield Warmed(frame["reason"], frame["tokens"], frame["cached"])
                    else:
                        yield Prefill(frame["done"], frame["total"], frame["cached"])
                if reply.died:
                    raise worker.death()
            finally:
                if turn.reply:
                    await self._alive().stop(turn.reply)
                self._turn = None

    async def cancel(self) -> None:
        if (turn := self._turn) is None:
            return
        turn.cancelled.set()
        if turn.reply:
            await self._alive().stop(turn.reply)

    async def close(self) -> None:
        if self._loading and not self._loading.done():
            self._loading.cancel()
            if self._worker:
                self._worker.kill()
        if self._worker:
            await self._worker.close()
        if self._loading:
            await asyncio.gather(self._loading, return_exceptions=True)
        self._worker = self._loading = None

    # --- loading --------------------------------------------------------------------------------

    def _load(self) -> asyncio.Task[ModelInfo]:
        """The load that is under way or done; a new one when that failed or its worker died."""
        task = self._loading
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or (task.done() and self.pid is None):
            task = self._loading = asyncio.create_task(self._start_worker())
        return task

    async def _start_worker(self) -> ModelInfo:
        content = _check_file(self.path)
        if importlib.util.find_spec("llama_cpp") is None:
            raise _not_installed("it is not installed")
        if self._worker:
            await self._worker.close()
        worker = self._worker = await WorkerProcess.start(self._log)
        reply = worker.open()
        await worker.send(
            {"op": "load", "id": reply.id, **self._settings, "model_hash": self._hash or content}
        )
        frame = await anext(reply, None)
        while frame and frame["event"] == "loading":
            self._progress(frame["share"])
            frame = await anext(reply, None)
        if frame is None:
            await worker.close()
            raise worker.death()
        if frame["event"] == "error":
            await worker.close()
            raise self._error(frame, worker)
        self._template = chat_template.detect(frame["chat_template"], self._family)
        self._load_ms = frame["load_ms"]
        return ModelInfo(
            self.name,
            frame["context_size"],
            load_ms=frame["load_ms"],
            threads=frame["threads"],
            why=_STALE.format(self.name) if frame["stale"] else "",
        )

    async def _ready(self, turn: _Turn) -> bool:
        """Wait for the model; False when the turn was cancelled before (the load goes on)."""
        load, cancelled = self._load(), asyncio.create_task(turn.cancelled.wait())
        try:
            await asyncio.wait({load, cancelled}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            cancelled.cancel()
        if turn.cancelled.is_set():
            load.add_done_callback(lambda task: task.cancelled() or task.exception())
            return False
        load.result()
        return True

    # --- generating -----------------------------------------------------------------------------

    async def _run(self, turn: _Turn, request: GenerateRequest) -> AsyncIterator[Generated]:
        worker = self._alive()
        turn.reply = reply = worker.open()
        try:
            await worker.send({"op": "generate", "id": reply.id, **self._frame(request)})
            if turn.decoder:
                turn.feed(OPENING)
            async for frame in reply:
                if item := self._item(turn, frame, worker):
                    yield item
            if reply.died:
                if not turn.cancelled.is_set():
                    raise worker.death()
                yield turn.finish("cancelled", (), Usage())
        finally:
            await worker.stop(reply)  # at once when it has ended; else the caller went away

    def _item(self, turn: _Turn, frame: Frame, worker: WorkerProcess) -> Generated | None:
        match frame["event"]:
            case "prefill":
                return Prefill(frame["done"], frame["total"], frame["cached"])
            case "piece":
                text = turn.feed(frame["text"])
                return AnswerText(text) if text else None
            case "finish":
                usage = Usage(**frame["usage"], model_load_ms=self._load_ms)
                self._load_ms = 0.0
                return turn.finish(frame["reason"], frame["ids"], usage)
        raise self._error(frame, worker)

    def _prompt(self, request: GenerateRequest) -> Frame:
        parts = chat_template.segments(self._template, request.messages)
        return {
            "parts": [[asdict(segment) for segment in part] for part in parts],
            "base": request.base,
            "stable": request.stable,
            "owner": asdict(request.owner),
        }

    def _frame(self, request: GenerateRequest) -> Frame:
        return self._prompt(request) | {
            "opening": OPENING if request.choices else "",
            "grammar": grammar(request.choices) if request.choices else "",
            "prior": prior(request),
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed or (secrets.randbits(32) if self._seed is None else self._seed),
        }

    def _alive(self) -> WorkerProcess:
        assert self._worker is not None
        return self._worker

    def _error(self, frame: Frame, worker: WorkerProcess) -> ModelError:
        said = frame["message"] or worker.last_line()
        match frame["kind"]:
            case "window_full":
                return WindowFull(
                    f"The prompt has {frame['tokens']} tokens, and the window of {self.name} holds "
                    f"{frame['size']}, the answer included.",
                    "Shorten it, start a new session, or raise model.context_size.",
                )
            case "bad_model":
                return BadModelFile(
                    f"{self.path} cannot be loaded: {said}.",
                    "Get the file again, or choose another model (`orch model list`).",
                )
            case "no_room":
                return ModelError(
                    f"There is not enough memory for a window of {self._settings['context_size']} tokens.",
                    "Lower model.context_size or use a smaller model (`orch model list`).",
                )
            case "missing":
                return _not_installed(said)
        return ModelError(f"The model failed: {said}.", "Ask again; `orch doctor` checks the installation.")


def _check_file(path: Path) -> str:
    """A stand-in for the hash of a GGUF file. Raises `NoModel`, `BadModelFile`."""
    try:
        with durable.opened(path) as file:
            magic = file.read(4)
            status = os.fstat(file.fileno())
    except FileNotFoundError as error:
        raise NoModel(f"{path} is not there.", _PULL.format("NAME")) from error
    except OSError as error:
        raise BadModelFile(f"{path} cannot be read: {error.strerror}.", "Change its permissions.") from error
    if magic != b"GGUF":
        raise BadModelFile(f"{path} is not a GGUF model file.", _PULL.format("NAME"))
    return f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"


def _not_installed(why: str) -> ModelError:
    return ModelError(
        f"llama.cpp cannot be used here: {why}.",
        "Install it: pip install 'orchestrator-agent[llama]'",
    )
