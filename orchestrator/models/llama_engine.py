"""One model and one KV cache behind llama.cpp's C API. Loaded by the worker process only.

Numbers behind the choices (0.5B, 2 cores, 768 tokens in the cache): without flash attention
28 tokens/s, with it 19; prefill in chunks of 64 is as fast as in chunks of 512, and without flash
attention the logits do not depend on how a prompt was cut into chunks.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt
from llama_cpp import llama_cpp as c

from orchestrator.models.snapshot import common_prefix
from orchestrator.models.threads import Speed, usable_cores
from orchestrator.models.tuning import Tuning, machine

Logits = npt.NDArray[np.float32]
_CPU_CHUNK = 64
_GPU_CHUNK = 512
_GPU_TRIES = (-1, 24, 12, 0)  # layers, until model and cache fit
_STEP = 0.05  # share of a load between two reports
_PROBE_PREFILL = 32
_PROBE_TOKENS = 8
_PROBE_S = 1.0


class BadModel(Exception):
    """llama.cpp cannot load the file."""


class NoRoom(Exception):
    """The model fits, its KV cache does not."""


class Stopped(Exception):
    """`stop` said so, in the middle of a chunk; the cache holds what was there before it."""


class Engine:
    """Tokens in, logits out. `ids` are the tokens whose keys and values the cache holds."""

    def __init__(
        self,
        path: Path,
        context_size: int,
        gpu_layers: int,
        progress: Callable[[float], None] = lambda share: None,
        tuning: Tuning | None = None,
    ) -> None:
        """Raises `BadModel` or `NoRoom`. `gpu_layers` -1: as many as fit, 0 without a GPU.

        `tuning` is what was measured as best; without one the defaults above.

        `progress` hears the share of the file that is loaded, in steps.
        """
        self.ids: list[int] = []
        self._tuning = tuning
        self.stop: Callable[[], bool] = lambda: False
        offload = bool(c.llama_supports_gpu_offload()) and gpu_layers != 0
        tries: tuple[int, ...] = (gpu_layers,) if gpu_layers >= 0 else _GPU_TRIES
        if gpu_layers < 0 and tuning and tuning.gpu_layers is not None:
            tries = (tuning.gpu_layers, *(layers for layers in _GPU_TRIES if layers >= 0))
        for layers in tries if offload else (0,):
            self._model = _load(path, layers, progress)
            if self._model is None:
                continue
            self.gpu_layers = layers
            size = min(context_size, int(c.llama_model_n_ctx_train(self._model)) or context_size)
            if self._open(size):
                break
            c.llama_model_free(self._model)
        else:
            raise BadModel if self._model is None else NoRoom
        self.vocab = c.llama_model_get_vocab(self._model)
        self.vocab_size = int(c.llama_vocab_n_tokens(self.vocab))
        self.context_size = int(c.llama_n_ctx(self._context))
        self._memory = c.llama_get_memory(self._context)
        self._batch = _Batch(self.chunk)
        self._abort = c.ggml_abort_callback(lambda _: self.stop())

    def _params(self) -> Any:
        """llama.cpp's settings of the context, as far as they do not depend on its size."""
        params = c.llama_context_default_params()
        params.no_perf = True
        params.flash_attn_type = (
            c.LLAMA_FLASH_ATTN_TYPE_AUTO if self.gpu_layers else c.LLAMA_FLASH_ATTN_TYPE_DISABLED
        )
        return params

    def _open(self, context_size: int) -> bool:
        params = self._params()
        self.chunk = _GPU_CHUNK if self.gpu_layers else _CPU_CHUNK
        params.n_ctx = context_size
        params.n_batch = params.n_ubatch = self.chunk
        if tuned := self._tuning:
            self.chunk = params.n_batch = params.n_ubatch = min(tuned.chunk, context_size)
            params.flash_attn_type = (
                c.LLAMA_FLASH_ATTN_TYPE_ENABLED if tuned.flash else c.LLAMA_FLASH_ATTN_TYPE_DISABLED
            )
            if tuned.cache == "q8_0":
                params.type_k = params.type_v = c.GGML_TYPE_Q8_0
        self._depends = (
            llama_cpp.__version__,
            c.llama_print_system_info(),
            context_size,
            *(params.type_k, params.type_v, params.flash_attn_type, self.gpu_layers),
            *(params.rope_scaling_type, params.rope_freq_base, params.rope_freq_scale),
        )
        self._context = c.llama_init_from_model(self._model, params)
        return self._context is not None

    @property
    def depends(self) -> tuple[object, ...]:
        """What a saved cache depends on, besides the model file and the tokens."""
        return self._depends

    @property
    def chat_template(self) -> str:
        return (c.llama_model_chat_template(self._model, None) or b"").decode("utf-8", "replace")

    def set_threads(self, generation: int, prefill: int) -> None:
        c.llama_set_n_threads(self._context, generation, prefill)

    # --- tokens and text ------------------------------------------------------------------------

    def tokenize(self, text: str, special: bool = False) -> list[int]:
        """Token ids; only with `special` does text like `<|im_end|>` become a control token."""
        data = text.encode("utf-8", "replace")
        if not data:
            return []
        room = len(data) + 8
        buffer = (c.llama_token * room)()
        count = c.llama_tokenize(self.vocab, data, len(data), buffer, room, False, special)
        if count < 0:
            room = -count
            buffer = (c.llama_token * room)()
            count = c.llama_tokenize(self.vocab, data, len(data), buffer, room, False, special)
        return list(buffer[:count])

    def piece(self, token: int) -> bytes:
        """The token's bytes, which may end in the middle of a character."""
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = c.llama_token_to_piece(self.vocab, token, buffer, size, 0, False)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    # --- the cache ------------------------------------------------------------------------------

    def keep(self, count: int) -> int:
        """Drop all but the first `count` tokens; returns how many are left.

        Fewer than asked when the model's memory cannot be cut (recurrent models).
        """
        if count < len(self.ids):
            if count and not c.llama_memory_seq_rm(self._memory, 0, count, -1):
                count = 0
            if not count:
                c.llama_memory_clear(self._memory, False)
            del self.ids[count:]
        return len(self.ids)

    def shared(self, ids: Sequence[int]) -> int:
        """How many leading tokens of `ids` the cache holds."""
        return common_prefix(self.ids, list(ids))  # a list equals no tuple

    def prefill(self, tokens: Sequence[int], logits: bool) -> None:
        """Append up to `chunk` tokens. Raises `Stopped`, then none of them is kept."""
        c.llama_set_abort_callback(self._context, self._abort, None)
        try:
            self._decode(tokens, int(logits))
        finally:  # asked a few hundred times a token: dear in generation, and not needed there
            c.llama_set_abort_callback(self._context, c.ggml_abort_callback(), None)

    def append(self, *tokens: int) -> None:
        """Append up to `chunk` tokens and compute the logits after each: `logits` has one row a token."""
        self._decode(tokens, len(tokens))

    def _decode(self, tokens: Sequence[int], rows: int) -> None:
        """Append `tokens` and compute the logits after the last `rows` of them."""
        status = c.llama_decode(self._context, self._batch.fill(tokens, len(self.ids), rows))
        if status == 0:
            self.ids.extend(tokens)
            return
        kept = len(self.ids)
        if not c.llama_memory_seq_rm(self._memory, 0, kept, -1):
            self.keep(0)
        if status == 2:
            raise Stopped
        raise RuntimeError(f"llama_decode failed with {status} at {kept} tokens")

    def logits(self, row: int = -1) -> Logits:
        """Logits after the last token, or after token `row` of what was appended last.

        A view that the next decode overwrites.
        """
        pointer = c.llama_get_logits_ith(self._context, row)
        return np.ctypeslib.as_array(pointer, (self.vocab_size,))

    # --- snapshots ------------------------------------------------------------------------------

    def state_size(self) -> int:
        """Bytes a snapshot takes now."""
        return int(c.llama_state_seq_get_size(self._context, 0))

    def save(self, path: Path) -> bool:
        tokens = (c.llama_token * len(self.ids))(*self.ids)
        written = c.llama_state_seq_save_file(self._context, bytes(path), 0, tokens, len(tokens))
        return bool(written)

    def load(self, path: Path, ids: Sequence[int]) -> bool:
        """Replace the cache by a snapshot of exactly these tokens; on failure it is empty."""
        self.keep(0)
        tokens = (c.llama_token * len(ids))()
        count = ctypes.c_size_t()
        read = c.llama_state_seq_load_file(
            self._context, bytes(path), 0, tokens, len(ids), ctypes.byref(count)
        )
        if not read or list(tokens[: count.value]) != list(ids):
            c.llama_memory_clear(self._memory, False)
            return False
        self.ids = list(ids)
        return True

    # --- calibration ----------------------------------------------------------------------------

    def measure(self, threads: int) -> Speed:
        """Speed of a short prefill and a few tokens; empties the cache."""
        self.set_threads(threads, threads)
        self.keep(0)
        token = self.tokenize("x")[0]
        start = time.perf_counter()
        self.prefill([token] * _PROBE_PREFILL, True)
        self.logits()
        middle = time.perf_counter()
        count = 0
        while count < _PROBE_TOKENS and time.perf_counter() - middle < _PROBE_S:
            self.append(token)
            self.logits()
            count += 1
        end = time.perf_counter()
        self.keep(0)
        return Speed(_PROBE_PREFILL / (middle - start), count / (end - middle))


def here() -> str:
    """Names this machine and build, as far as speeds depend on them."""
    build = f"llama.cpp {llama_cpp.__version__} {c.llama_print_system_info().decode('utf-8', 'replace')}"
    return machine(usable_cores(), build, "GPU" if c.llama_supports_gpu_offload() else "")


class _Batch:
    """A llama_batch of sequence 0, filled through numpy views of its arrays."""

    def __init__(self, size: int) -> None:
        self._batch = c.llama_batch_init(size, 0, 1)
        self._token, self._pos, self._logits = (
            np.ctypeslib.as_array(pointer, (size,))
            for pointer in (self._batch.token, self._batch.pos, self._batch.logits)
        )
        for i in range(size):
            self._batch.n_seq_id[i] = 1
            self._batch.seq_id[i][0] = 0
        self._logits[:] = 0

    def fill(self, tokens: Sequence[int], position: int, rows: int) -> Any:
        """`tokens` from `position` on; logits are computed for the last `rows` of them."""
        count = len(tokens)
        self._token[:count] = tokens
        self._pos[:count] = np.arange(position, position + count)
        self._logits[:count] = 0
        self._logits[count - rows : count] = 1
        self._batch.n_tokens = count
        return self._batch


def _load(path: Path, gpu_layers: int, progress: Callable[[float], None]) -> Any:
    told = -_STEP

    def tell(share: float, _: object) -> bool:
        nonlocal told
        if share - told >= _STEP:
            told = share
            progress(share)
        return True  # go on

    params = c.llama_model_default_params()
    params.n_gpu_layers = gpu_layers
    callback = params.progress_callback = c.llama_progress_callback(tell)
    assert callback  # it must live as long as the call below
    return c.llama_model_load_from_file(bytes(path), params)
