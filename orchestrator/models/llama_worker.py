"""The llama.cpp process: `python -m orchestrator.models.llama_worker`.

A native crash or an out-of-memory kill ends this process and not the app. Frames come and go over
its first stdin and stdout (`llama_frames`):

    load {id, model, context_size, threads, gpu_layers, model_hash, snapshots, calibration, tuning, busy}
                                  -> loading {id, share} …,
                                     loaded {id, context_size, load_ms, threads, stale, chat_template}
    count {id, texts}             -> counts {id, counts}     answered while generating, too
    generate {id, parts, opening, base, stable, owner, grammar, prior, max_tokens, temperature, seed}
                                  -> prefill {id, done, total, cached} …, piece {id, text} …,
                                     finish {id, reason, ids, usage}
    warm {id, parts, base, stable, owner, yields, look}
                                  -> prefill …, warmed {id, reason, tokens, cached}
    cancel {id}                   -> the generation or the warming ends as "cancelled"
    close {}                      the end of stdin means the same, at once

Whatever fails answers with error {id, kind, …}. A reader thread takes the frames, so that a cancel
is seen in the middle of a chunk; the main thread computes.
"""

from __future__ import annotations

import codecs
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from orchestrator.models import llama_frames, threads
from orchestrator.models.busy import Busy
from orchestrator.models.circling import LOOK_BACK, circling
from orchestrator.models.llama_frames import Frame
from orchestrator.models.snapshot import SnapshotStore, space
from orchestrator.models.tuning import Tuning, kept
from orchestrator.types import Owner

if TYPE_CHECKING:
    from orchestrator.models.llama_cache import Prompt, PromptCache
    from orchestrator.models.llama_engine import Engine, Logits
    from orchestrator.models.llama_sampling import Sampler

_ROOM = 32  # tokens that must be left for an answer
_CLOSE_S = 5.0


class Worker:
    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._write = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Frame, float] | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._engine: Engine | None = None
        self._cache: PromptCache | None = None
        self._busy = Busy(None)

    def serve(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while (job := self._jobs.get()) is not None:
            frame, received = job
            try:
                match frame["op"]:
                    case "load":
                        self._load(frame)
                    case "warm":
                        with nullcontext() if frame["yields"] or frame["look"] else self._busy.held():
                            self._warm(frame)
                    case _:
                        with self._busy.held():
                            self._generate(frame, received)
            except Exception as error:  # noqa: BLE001  a failed job must not end the process
                self._fail(frame, "failed", f"{type(error).__name__}: {error}")
        if self._cache:
            self._cache.wait(_CLOSE_S)

    # --- reader thread --------------------------------------------------------------------------

    def _read(self) -> None:
        while (frame := llama_frames.read(self._source)) is not None:
            received = time.perf_counter()
            match frame["op"]:
                case "cancel":
                    self._cancelled.add(frame["id"])
                case "count" if self._engine:
                    counts = [len(self._engine.tokenize(text)) for text in frame["texts"]]
                    self._send("counts", id=frame["id"], counts=counts)
                case "close":
                    self._jobs.put(None)
                case _:
                    self._jobs.put((frame, received))
        if self._cache:
            self._cache.wait(_CLOSE_S)
        os._exit(0)  # the app is gone, and the main thread may be deep in llama.cpp

    def _send(self, event: str, **fields: Any) -> None:
        data = llama_frames.pack({"event": event, **fields})
        with self._write:
            self._sink.write(data)
            self._sink.flush()

    def _fail(self, frame: Frame, kind: str, message: str = "", **numbers: int) -> None:
        self._send("error", id=frame["id"], kind=kind, message=message, **numbers)

    # --- load -----------------------------------------------------------------------------------

    def _load(self, frame: Frame) -> None:
        start = time.perf_counter()
        try:
            from orchestrator.models import llama_engine
            from orchestrator.models.llama_cache import PromptCache
        except (ImportError, OSError, RuntimeError) as error:
            return self._fail(frame, "missing", str(error))
        quiet_log()
        try:
            file = frame["tuning"]
            tuned = kept(Path(file), frame["model_hash"], llama_engine.here()) if file else None
            stale = bool(file) and tuned is None and kept(Path(file), frame["model_hash"]) is not None
            engine = llama_engine.Engine(
                Path(frame["model"]),
                frame["context_size"],
                frame["gpu_layers"],
                lambda share: self._send("loading", id=frame["id"], share=share),
                tuned,
            )
        except llama_engine.BadModel:
            return self._fail(frame, "bad_model")
        except llama_engine.NoRoom:
            return self._fail(frame, "no_room")
        chosen = self._choose_threads(engine, frame, tuned)
        engine.set_threads(chosen.generation, chosen.prefill)
        store = SnapshotStore(Path(given.pop("folder")), **given) if (given := frame["snapshots"]) else None
        self._cache = PromptCache(engine, store, space(frame["model_hash"], *engine.depends))
        self._busy = Busy(Path(frame["busy"]) if frame["busy"] else None)
        self._engine = engine
        self._send(
            "loaded",
            id=frame["id"],
            context_size=engine.context_size,
            load_ms=(time.perf_counter() - start) * 1000,
            threads=chosen.generation,
            stale=stale,
            chat_template=engine.chat_template,
        )

    def _choose_threads(self, engine: Engine, frame: Frame, tuned: Tuning | None) -> threads.Threads:
        if frame["threads"]:
            return threads.Threads(frame["threads"], frame["threads"])
        if tuned:
            return threads.Threads(tuned.generation, tuned.prefill)
        if file := frame["calibration"]:
            return threads.calibrate(Path(file), frame["model_hash"], engine.measure)
        cores = threads.usable_cores()
        return threads.Threads(cores, cores)

    # --- generate -------------------------------------------------------------------------------

    def _generate(self, frame: Frame, received: float) -> None:
        from orchestrator.models.llama_engine import Stopped
        from orchestrator.models.llama_sampling import BadGrammar, DeadEnd, Sampler

        engine, cache = self._engine, self._cache
        if engine is None or cache is None:
            return self._fail(frame, "failed", "no model is loaded")
        opening = engine.tokenize(frame["opening"])
        prompt = self._prompt(engine, frame, opening)
        if len(prompt.ids) + _ROOM > engine.context_size:
            return self._fail(frame, "window_full", tokens=len(prompt.ids), size=engine.context_size)
        turn = _Turn(frame, received, len(prompt.ids))
        engine.stop = lambda: frame["id"] in self._cancelled
        try:
            sampler = Sampler(engine.vocab, frame["grammar"], frame["temperature"], frame["seed"])
        except BadGrammar:
            return self._fail(frame, "failed", "the grammar is not valid")
        try:
            turn.cached = cache.restore(prompt)
            cache.prefill(prompt, turn.cached, lambda *progress: self._tell(frame, *progress))
            turn.reason = self._decode(engine, sampler, turn, _by_token(engine, frame["prior"]))
        except Stopped:
            turn.reason = "cancelled"
        except DeadEnd:
            turn.reason = "length"
        finally:
            sampler.close()
        self._send("finish", id=turn.id, reason=turn.reason, ids=opening + turn.ids, usage=turn.usage())

    def _warm(self, frame: Frame) -> None:
        """Bring the snapshots up to date; `yields`: stop as soon as a person waits for the model.

        With `look` nothing is done, only said.
        """
        from orchestrator.models.llama_engine import Stopped

        engine, cache = self._engine, self._cache
        if engine is None or cache is None:
            return self._fail(frame, "failed", "no model is loaded")
        prompt = self._prompt(engine, frame, [])
        if prompt.stable > engine.context_size:
            return self._fail(frame, "window_full", tokens=prompt.stable, size=engine.context_size)
        yields = self._busy.somebody_lately if frame["yields"] else bool
        engine.stop = lambda: frame["id"] in self._cancelled or yields()
        reason, cached = "done", 0
        try:
            cached = cache.known(prompt)
            if not frame["look"]:
                cached = cache.warm(prompt, lambda *progress: self._tell(frame, *progress))
        except Stopped:
            reason = "cancelled" if frame["id"] in self._cancelled else "stopped"
        cache.wait()
        self._send("warmed", id=frame["id"], reason=reason, tokens=prompt.stable, cached=cached)

    def _prompt(self, engine: Engine, frame: Frame, opening: list[int]) -> Prompt:
        from orchestrator.models.llama_cache import Prompt

        parts = [_tokens(engine, part) for part in frame["parts"]]
        return Prompt.of(parts, opening, frame["base"], frame["stable"], Owner(**frame["owner"]))

    def _tell(self, frame: Frame, done: int, total: int, cached: int) -> None:
        self._send("prefill", id=frame["id"], done=done, total=total, cached=cached)

    def _decode(self, engine: Engine, sampler: Sampler, turn: _Turn, prior: dict[int, float]) -> str:
        """Generate until the model or the grammar ends, or a limit: the reason for stopping.

        `prior` is added to the logits of the first token, which is then one of these.
        """
        text = codecs.getincrementaldecoder("utf-8")("replace")
        room = engine.context_size - len(engine.ids)
        for _ in range(min(turn.limit, room)):
            if engine.stop():
                return "cancelled"
            token = sampler.pick(_weighed(engine.logits(), prior))
            prior = {}
            turn.sampled()
            if sampler.ends(token):
                return self._end(turn, text.decode(b"", final=True))
            turn.ids.append(token)
            self._send("piece", id=turn.id, text=text.decode(engine.piece(token)))
            if sampler.complete:
                return self._end(turn, text.decode(b"", final=True))
            if len(turn.ids) % LOOK_BACK == 0 and circling(turn.ids):
                return "length"
            if len(turn.ids) < turn.limit:
                engine.append(token)
        return "length"

    def _end(self, turn: _Turn, rest: str) -> str:
        if rest:
            self._send("piece", id=turn.id, text=rest)
        return "stop"


class _Turn:
    """What is known of the generation that runs: ids, limits and times."""

    def __init__(self, frame: Frame, received: float, prompt: int) -> None:
        self.id: int = frame["id"]
        self.limit: int = frame["max_tokens"]
        self.ids: list[int] = []
        self.cached = 0
        self.reason = ""
        self._prompt = prompt
        self._received = received
        self._first = 0.0
        self._last = 0.0
        self._samples = 0

    def sampled(self) -> None:
        self._last = time.perf_counter()
        self._first = self._first or self._last
        self._samples += 1

    def usage(self) -> Frame:
        """The fields of `types.Usage` that the worker knows."""
        seconds = self._last - self._first
        return {
            "prompt_tokens": self._prompt,
            "cached_tokens": self.cached,
            "completion_tokens": len(self.ids),
            "time_to_first_token_ms": (self._first - self._received) * 1000 if self._first else 0.0,
            "tokens_per_second": (self._samples - 1) / seconds if seconds else 0.0,
        }


def _by_token(engine: Engine, prior: dict[str, float]) -> dict[int, float]:
    """The prior of each name for the token it begins with; empty where two names begin alike."""
    found = {engine.tokenize(name)[0]: value for name, value in prior.items()}
    return found if len(found) == len(prior) else {}


def _weighed(logits: Logits, prior: dict[int, float]) -> Logits:
    """No other token may come: a name spelt in more tokens would get round its prior."""
    if not prior:
        return logits
    names = list(prior)
    weighed = logits.copy()
    weighed.fill(float("-inf"))
    weighed[names] = logits[names] + list(prior.values())
    return weighed


def _tokens(engine: Engine, part: list[Frame]) -> list[int]:
    """Ids of one message: markers may be control tokens, the rest is text; known ids stay."""
    ids: list[int] = []
    for segment in part:
        known = segment["ids"]
        if known and min(known) >= 0 and max(known) < engine.vocab_size:
            ids += known
        else:  # none, or those of another model
            ids += engine.tokenize(segment["text"], segment["special"])
    return ids


_keep_alive: list[Callable[..., None]] = []


def quiet_log() -> None:
    """Warnings and errors of llama.cpp go to stderr, where the app keeps the last lines."""
    from llama_cpp import llama_cpp as c

    def log(level: int, text: bytes, _: object) -> None:
        if level in (3, 4):  # GGML_LOG_LEVEL_WARN, GGML_LOG_LEVEL_ERROR
            sys.stderr.write(text.decode("utf-8", "replace"))
            sys.stderr.flush()

    _keep_alive.append(c.llama_log_callback(log))  # llama.cpp keeps only the bare pointer
    c.llama_log_set(_keep_alive[-1], None)


def main() -> None:
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever native code prints must not get between the frames
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the app, which then cancels
    Worker(source, sink).serve()


if __name__ == "__main__":
    main()
