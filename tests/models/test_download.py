"""Pulls over a real HTTP server on loopback."""

from __future__ import annotations

import hashlib
import shutil
import signal
import subprocess
import sys
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.errors import BadModelFile, DownloadError
from orchestrator.models import installed, partial
from orchestrator.models.catalog import HttpsSource, Model
from orchestrator.models.download import pull
from orchestrator.paths import Home
from tests.models.file_server import FileServer, serving
from tests.models.gguf_file import tiny_gguf

DATA = tiny_gguf(3_000_000)
SHA = hashlib.sha256(DATA).hexdigest()

pytestmark = pytest.mark.usefixtures("bare_machine")


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving(DATA) as files:
        yield files


@pytest.fixture(autouse=True)
def frequent_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partial, "CHECKPOINT_BYTES", 2**18)


def model(*urls: str, sha256: str = SHA, size: int = len(DATA)) -> Model:
    return Model(
        name="tiny",
        title="Tiny",
        family="qwen2",
        parameters="0.1B",
        quantisation="F16",
        context=2048,
        licence="MIT",
        bytes=size,
        dialect="lines",
        sha256=sha256,
        file="tiny.gguf",
        sources=tuple(HttpsSource(url) for url in urls),
    )


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch, server: FileServer) -> Model:
    """The tiny model, in the catalogue."""
    entry = model(server.url)
    monkeypatch.setattr("orchestrator.models.catalog.find", lambda name: entry if name == "tiny" else None)
    return entry


def names(home: Home) -> set[str]:
    return {path.name for path in home.models.iterdir()}


def test_a_pull_gives_the_whole_verified_file(known: Model, orch_home: Home) -> None:
    seen: list[tuple[int, int]] = []
    pulled = pull(known, orch_home, progress=lambda done, total: seen.append((done, total)))
    assert pulled.model.path.read_bytes() == DATA
    assert (pulled.model.sha256, pulled.already, pulled.pinned) == (SHA, False, False)
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert names(orch_home) <= {"tiny.gguf", "tiny.json", ".tiny.lock"}


def test_what_is_there_is_neither_fetched_nor_hashed_again(
    known: Model, server: FileServer, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull(known, orch_home)
    monkeypatch.setattr(installed, "hash_file", lambda *given: pytest.fail("hashed again"))
    assert pull(known, orch_home).already
    assert len(server.ranges) == 1


def test_a_dropped_connection_is_taken_up_where_it_broke(
    known: Model, server: FileServer, orch_home: Home
) -> None:
    server.cuts = [1_000_000, 500_000]
    assert pull(known, orch_home).model.path.read_bytes() == DATA
    assert server.ranges == ["", "bytes=1000000-", "bytes=1500000-"]


def test_a_server_that_always_breaks_off_is_given_up_and_the_bytes_kept(
    known: Model, server: FileServer, orch_home: Home
) -> None:
    server.cuts = [1_000_000] + [0] * 20
    with pytest.raises(DownloadError, match="broke off at 1,000,000 bytes") as caught:
        pull(known, orch_home)
    assert "goes on from there" in caught.value.remedy
    server.cuts = []
    assert pull(known, orch_home).model.sha256 == SHA
    assert server.ranges[-1] == "bytes=1000000-"


def test_a_server_without_ranges_is_read_from_the_start_again(
    known: Model, server: FileServer, orch_home: Home
) -> None:
    server.takes_ranges = False
    server.cuts = [1_000_000]
    assert pull(known, orch_home).model.path.read_bytes() == DATA


def test_a_damaged_prefix_is_found_and_cut_off(known: Model, server: FileServer, orch_home: Home) -> None:
    server.cuts = [2_000_000] + [0] * 20
    with pytest.raises(DownloadError):
        pull(known, orch_home)
    part = installed.part_of(orch_home, "tiny")
    damaged = bytearray(part.read_bytes())
    damaged[700_000] ^= 1
    part.write_bytes(damaged)
    server.cuts = []
    assert pull(known, orch_home).model.sha256 == SHA
    start = int(server.ranges[-1][6:-1])
    assert 0 < start <= 700_000


def test_an_interrupt_keeps_what_came(known: Model, server: FileServer, orch_home: Home) -> None:
    def stop(done: int, total: int) -> None:
        if done > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(known, orch_home, progress=stop)
    assert installed.find(orch_home, "tiny") is None
    assert installed.partial_bytes(orch_home, "tiny") > 1_000_000
    said: list[str] = []
    assert pull(known, orch_home, say=said.append).model.sha256 == SHA
    assert said == ["Going on from 1 MB."] or said == ["Going on from 2 MB."]
    assert int(server.ranges[-1][6:-1]) > 1_000_000


KILLED = """
import sys
from pathlib import Path
from orchestrator.models import partial
from orchestrator.models.download import pull
from orchestrator.paths import Home
from tests.models.test_download import model
partial.CHECKPOINT_BYTES = 2**18
pull(model(sys.argv[1]), Home(Path(sys.argv[2])), progress=lambda done, total: print(done, flush=True))
"""


def test_a_killed_pull_goes_on(known: Model, server: FileServer, orch_home: Home) -> None:
    server.gate = threading.Event()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, server.url, str(orch_home.root)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) > 1_500_000:
            break
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    process.stdout.close()
    server.gate.set()
    assert pull(known, orch_home).model.path.read_bytes() == DATA
    assert int(server.ranges[-1][6:-1]) >= 1_000_000


def test_a_second_pull_waits_and_then_finds_it(known: Model, server: FileServer, orch_home: Home) -> None:
    server.gate = threading.Event()
    waiting = threading.Event()
    results: list[bool] = []
    started = threading.Event()
    first = threading.Thread(
        target=lambda: results.append(
            pull(known, orch_home, progress=lambda done, total: started.set()).already
        )
    )
    second = threading.Thread(
        target=lambda: results.append(pull(known, orch_home, say=lambda text: waiting.set()).already)
    )
    first.start()
    assert started.wait(300)
    second.start()
    assert waiting.wait(300)
    server.gate.set()
    first.join()
    second.join()
    assert results == [False, True]
    assert len(server.ranges) == 1


@pytest.mark.parametrize(
    ("status", "words"), [(404, "the file is not there"), (403, "does not allow"), (503, "the server failed")]
)
def test_a_refusal_is_one_clear_sentence(
    known: Model, server: FileServer, orch_home: Home, status: int, words: str
) -> None:
    server.status = status
    with pytest.raises(DownloadError, match=words):
        pull(known, orch_home)


def test_no_network_is_one_clear_sentence(orch_home: Home) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        pull(model("http://127.0.0.1:1/x.gguf"), orch_home)
    assert caught.value.remedy


def test_the_next_source_is_tried(server: FileServer, orch_home: Home) -> None:
    said: list[str] = []
    pulled = pull(model("http://127.0.0.1:1/x.gguf", server.url), orch_home, say=said.append)
    assert pulled.model.path.read_bytes() == DATA
    assert any("Trying 127.0.0.1" in text for text in said)


@pytest.mark.parametrize("other", [DATA[:-1] + b"?", DATA[:-1], DATA + b"?"])
def test_another_file_than_expected_is_refused_and_deleted(
    known: Model, server: FileServer, orch_home: Home, other: bytes
) -> None:
    server.data = other
    with pytest.raises((BadModelFile, DownloadError)):
        pull(known, orch_home)
    assert installed.find(orch_home, "tiny") is None
    server.data = DATA
    assert pull(known, orch_home).model.sha256 == SHA


def test_what_is_no_model_is_refused_though_nothing_else_is_known(
    server: FileServer, orch_home: Home
) -> None:
    server.data = b"<html>Please log in</html>"
    with pytest.raises(BadModelFile, match="letters GGUF"):
        pull(model(server.url, sha256="", size=100), orch_home)
    assert names(orch_home) <= {".tiny.lock"}


def test_the_first_pull_pins_and_the_next_one_is_held_to_it(
    server: FileServer, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpinned = model(server.url, sha256="", size=3_100_000)
    assert pull(unpinned, orch_home).pinned
    assert installed.pin_of(orch_home, "tiny").read_text() == f"{SHA}  tiny.gguf\n"
    installed.remove(orch_home, "tiny")
    assert not pull(unpinned, orch_home).pinned
    installed.remove(orch_home, "tiny")
    server.data = tiny_gguf(3_000_000, seed=2)
    with pytest.raises(BadModelFile, match="another checksum"):
        pull(unpinned, orch_home)


def test_a_file_that_changed_on_the_server_is_not_patched_together(
    server: FileServer, orch_home: Home
) -> None:
    unpinned = model(server.url, sha256="")
    server.cuts = [1_000_000] + [0] * 20
    with pytest.raises(DownloadError):
        pull(unpinned, orch_home)
    server.cuts = []
    server.data, server.etag = tiny_gguf(3_000_000, seed=2), '"two"'
    assert pull(unpinned, orch_home).model.path.read_bytes() == server.data


def test_a_finished_but_unnamed_file_is_recognised(server: FileServer, orch_home: Home) -> None:
    """Killed after the last byte and before the rename."""
    unpinned = model(server.url, sha256="")
    target = installed.part_of(orch_home, "tiny")
    target.parent.mkdir(parents=True)
    whole = partial.Partial.open(target, server.url)
    whole.validator = server.etag
    whole.append(DATA)
    whole.checkpoint()
    whole.close()
    assert pull(unpinned, orch_home).model.path.read_bytes() == DATA
    assert server.ranges == [f"bytes={len(DATA)}-"]


def test_too_little_space_is_said_before_anything_is_fetched(
    known: Model, server: FileServer, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**12, 10**12, 40 * 10**6))
    with pytest.raises(DownloadError, match=r"needs 67 MB .* 40 MB are free") as caught:
        pull(known, orch_home)
    assert "27 MB more" in caught.value.remedy
    assert server.ranges == []


def test_a_damaged_model_of_ours_is_fetched_again(known: Model, orch_home: Home) -> None:
    path = pull(known, orch_home).model.path
    path.write_bytes(b"GGUF" + path.read_bytes()[4:-1] + b"?")
    said: list[str] = []
    assert not pull(known, orch_home, say=said.append).already
    assert path.read_bytes() == DATA
    assert "damaged" in said[0]


def test_a_file_put_there_by_hand_is_not_replaced(known: Model, orch_home: Home) -> None:
    orch_home.models.mkdir(parents=True)
    path = orch_home.models / "tiny.gguf"
    path.write_bytes(tiny_gguf(100))
    with pytest.raises(BadModelFile, match="replaced") as caught:
        pull(known, orch_home)
    assert "orch model rm tiny" in caught.value.remedy
    path.write_bytes(DATA)
    assert pull(known, orch_home).already


def test_a_copy_of_another_program_is_taken(
    known: Model, server: FileServer, orch_home: Home, bare_machine: Path
) -> None:
    cached = bare_machine / ".cache/huggingface/hub/models--a--b/snapshots/1/tiny.gguf"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(tiny_gguf(len(DATA) - 250, seed=3).ljust(len(DATA), b"?")[: len(DATA)])
    said: list[str] = []
    pull(known, orch_home, say=said.append)
    assert "Not taken" in said[0]
    assert len(server.ranges) == 1
    installed.remove(orch_home, "tiny")
    cached.write_bytes(DATA)
    assert pull(known, orch_home).model.source == str(cached)
    assert len(server.ranges) == 1


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(known: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        pull(known, Home(tmp_path / "file" / "home"))


def test_a_full_disk_is_one_clear_sentence(
    known: Model, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: partial.Partial, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(partial.Partial, "append", full)
    with pytest.raises(DownloadError, match="is full"):
        pull(known, orch_home)
