"""The node behind the app, over a real registry, real git, a real journal and real downloads."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import threading
from pathlib import Path

import pytest

from orchestrator import local_node
from orchestrator.errors import DownloadError, ModelError, NoModel, ProjectError
from orchestrator.local_node import LocalNode, recommend, status_of
from orchestrator.models import catalog, installed, partial
from orchestrator.models.busy import Busy
from orchestrator.models.catalog import HttpsSource, Model
from orchestrator.models.select import LARGE, SMALL
from orchestrator.paths import Home
from orchestrator.tools.toolbox import Toolbox
from orchestrator.tui.node import GitState, Machine, ModelChoice, Wish
from orchestrator.types import Approval, Preview, ToolCall
from tests.models.file_server import serving
from tests.models.gguf_file import tiny_gguf


@pytest.fixture
def node(orch_home: Home) -> LocalNode:
    return LocalNode(orch_home)


@pytest.fixture(autouse=True)
def bare_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("user")))
    monkeypatch.delenv("HF_HOME", raising=False)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:1")


def _git(folder: Path, *args: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


def _repository(folder: Path) -> Path:
    folder.mkdir(parents=True)
    _git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("a")
    _git(folder, "add", ".")
    _git(folder, "commit", "-qm", "first")
    return folder


# --- projects -----------------------------------------------------------------------------------


def test_projects_newest_first_and_where_they_are_now(node: LocalNode, tmp_path: Path) -> None:
    heron, alder = tmp_path / "heron", tmp_path / "alder"
    for folder in (heron, alder):
        folder.mkdir()
    first = node.add_project(heron)
    node.add_project(alder)
    node.add_project(heron)
    assert {row.name for row in node.projects()} == {"heron", "alder"}
    moved = heron.rename(tmp_path / "heron-moved")
    gone = next(row for row in node.projects() if row.id == first.id)
    assert (gone.here, gone.root) == (False, heron)
    assert node.add_project(moved).root == moved
    back = next(row for row in node.projects() if row.id == first.id)
    assert (back.here, back.root) == (True, moved)
    node.forget_project(first.id)
    assert [row.name for row in node.projects()] == ["alder"]
    node.forget_project("unknown")
    with pytest.raises(ProjectError):
        node.add_project(tmp_path / "nowhere")


# --- git ----------------------------------------------------------------------------------------


def test_git_state_of_a_real_repository(node: LocalNode, tmp_path: Path) -> None:
    assert node.git_state(tmp_path) == GitState()
    repository = _repository(tmp_path / "heron")
    assert node.git_state(repository) == GitState("main", 0)
    (repository / "a.txt").write_text("b")
    (repository / "new [x].txt").write_text("b")
    (repository / "line\nbreak").write_text("b")
    assert node.git_state(repository) == GitState("main", 3)
    _git(repository, "checkout", "-q", "--detach")
    assert len(node.git_state(repository).branch) == 7
    assert node.git_state(tmp_path / "nowhere") == GitState()


def test_git_state_runs_nothing_that_the_repository_configures(node: LocalNode, tmp_path: Path) -> None:
    repository = _repository(tmp_path / "evil")
    mark = tmp_path / "ran"
    _git(repository, "config", "core.fsmonitor", f"touch {mark}; false")
    assert node.git_state(repository).branch == "main"
    assert not mark.exists()


def test_git_state_is_asked_inside_the_sandbox(
    node: LocalNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrapped: list[list[str]] = []

    def wrap(self: Toolbox, argv: list[str]) -> list[str]:
        wrapped.append(argv)
        return argv

    monkeypatch.setattr(Toolbox, "git_wrap", wrap)
    assert node.git_state(_repository(tmp_path / "heron")).branch == "main"
    assert [argv for argv in wrapped if "status" in argv]


def test_an_empty_repository_has_a_branch(node: LocalNode, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    _git(tmp_path / "new", "init", "-q", "-b", "trunk")
    assert node.git_state(tmp_path / "new") == GitState("trunk", 0)


def test_status_is_read_field_by_field() -> None:
    lines = ["# branch.oid 1f3a9c2d00", "# branch.head (detached)", "1 .M N... a # branch.head b", "? c", "x"]
    assert status_of("\0".join(lines)) == GitState("1f3a9c2", 2)
    assert status_of("") == GitState()


# --- sessions and records -----------------------------------------------------------------------


class _Yes:
    async def approve(self, call: ToolCall, preview: Preview) -> Approval:
        return Approval(True)


def _script(tmp_path: Path) -> str:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"answer": "42"}]), encoding="utf-8")
    return f"scripted:{script}"


def test_a_session_is_opened_listed_searched_and_read(node: LocalNode, tmp_path: Path) -> None:
    folder = tmp_path / "heron"
    folder.mkdir()

    async def run() -> str:
        async with node.open(Wish(folder, _script(tmp_path)), _Yes()) as opened:
            assert (opened.name, opened.root) == ("heron", folder)
            async for _ in opened.session.open():
                pass
            async for _ in opened.session.turn("What is six times seven?"):
                pass
            (row,) = await asyncio.to_thread(node.sessions, opened.project)
            assert (row.ended, row.prompts, row.title) == ("", 1, "What is six times seven?")
            await opened.session.close("done")
            return opened.project

    project = asyncio.run(run())
    assert [row.name for row in node.projects()] == ["heron"]  # opening is using
    (row,) = node.sessions(project)
    assert row.ended == "done"
    assert [one.id for one in node.sessions(project, search="six seven")] == [row.id]
    assert node.sessions(project, search="eight") == []
    kinds = [record.kind for record in node.transcript(row.id)]
    assert kinds == ["session", "message", "message", "session"]
    logged = node.records_after(0, project=project)
    assert [one.record.kind for one in logged] == kinds
    assert logged[1].citation == f"{row.citation}#2"
    assert [one.arrival for one in node.records_after(logged[1].arrival, project=project)] == [
        one.arrival for one in logged[2:]
    ]
    assert len(node.records_after(0, project=project, kinds=["message"], limit=1)) == 1
    node.close()
    assert node.sessions(project)[0].id == row.id  # opened anew when it is needed
    node.close()


def test_while_a_person_types_others_step_aside(
    node: LocalNode, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_node, "TYPES_S", 0.0)
    others = Busy(orch_home.busy)

    async def type_two_keys() -> None:
        node.typing()
        node.typing()
        assert others.somebody()
        for _ in range(5):  # turns of the loop: the time that it waits for is none here
            await asyncio.sleep(0)
        assert not others.somebody()

    asyncio.run(type_two_keys())


def test_many_threads_open_one_journal(node: LocalNode) -> None:
    gate = threading.Barrier(8)
    seen: list[object] = []

    def read() -> None:
        gate.wait()
        node.sessions("p")
        seen.append(node._journal())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, seen))) == 1
    node.close()


def test_no_model_is_an_error_of_open(node: LocalNode, tmp_path: Path) -> None:
    async def run() -> None:
        async with node.open(Wish(tmp_path), _Yes()):
            pass

    with pytest.raises(NoModel):
        asyncio.run(run())
    with pytest.raises(NoModel):
        node.check_model("auto")


# --- models -------------------------------------------------------------------------------------

DATA = tiny_gguf(3_000_000)


def _choice(name: str, state: str = "available") -> ModelChoice:
    return ModelChoice(name, "", 10**9, "", state)


@pytest.mark.parametrize(
    ("memory", "states", "best", "why"),
    [
        (8 * 10**9, {}, LARGE, "8.0 GB of free memory is enough"),
        (2 * 10**9, {}, SMALL, "2.0 GB of memory is free, and the larger one wants 4.0 GB"),
        (0, {}, LARGE, "most machines have memory enough"),
        (8 * 10**9, {LARGE: "needs more disk"}, SMALL, "no room"),
        (8 * 10**9, {LARGE: "needs more disk", SMALL: "needs more disk"}, "", ""),
    ],
)
def test_what_suits_the_machine_is_recommended(
    memory: int, states: dict[str, str], best: str, why: str
) -> None:
    choices = [_choice(name, states.get(name, "available")) for name in (LARGE, SMALL, "other")]
    found = recommend(choices, Machine(memory, 10**10, 2))
    marked = [one for one in found if one.recommended]
    assert [one.name for one in marked] == ([best] if best else [])
    assert all(why in one.why for one in marked)
    assert [one.name for one in found] == [LARGE, SMALL, "other"]


def test_models_of_the_catalogue_and_of_this_disk(node: LocalNode, orch_home: Home) -> None:
    orch_home.models.mkdir(parents=True)
    (orch_home.models / "mine.gguf").write_bytes(DATA)
    (orch_home.models / f"{SMALL}.gguf.part").write_bytes(b"x" * 1000)
    found = {one.name: one for one in node.models()}
    assert set(found) == {model.name for model in catalog.models()} | {"mine"}
    assert (found["mine"].state, found["mine"].size_bytes) == ("installed", len(DATA))
    assert found[SMALL].loaded_bytes == 1000
    assert sum(one.recommended for one in found.values()) <= 1


def test_a_model_that_the_disk_has_no_room_for(node: LocalNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalNode, "machine", lambda self: Machine(8 * 10**9, 600_000_000, 2))
    found = {one.name: one for one in node.models()}
    assert found[LARGE].state == "needs 1.1 GB of disk, and 600 MB are free"
    assert found[SMALL].state == "available"
    assert found[SMALL].recommended


def test_the_machine_before_its_home_exists(tmp_path: Path) -> None:
    machine = LocalNode(Home(tmp_path / "not" / "yet")).machine()
    assert machine.free_disk > 0
    assert machine.cores > 0
    assert not (tmp_path / "not").exists()


def _known(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sha = hashlib.sha256(DATA).hexdigest()
    tiny = Model(
        "tiny", "Tiny", "qwen2", "0.1B", "F16", 2048, "MIT", len(DATA), "lines", sha, (), "tiny.gguf",
        (HttpsSource(url), HttpsSource(f"{url}-2")),
    )  # fmt: skip
    monkeypatch.setattr("orchestrator.models.catalog.find", lambda name: tiny if name == "tiny" else None)
    monkeypatch.setattr(partial, "CHECKPOINT_BYTES", 2**18)


def test_a_stopped_pull_keeps_its_bytes_and_the_next_goes_on(
    node: LocalNode, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(DATA) as server:
        _known(server.url, monkeypatch)
        seen: list[int] = []
        node.pull("tiny", lambda done, total: seen.append(done), lambda: bool(seen) and seen[-1] > 1_100_000)
        assert installed.find(orch_home, "tiny") is None
        kept = installed.partial_bytes(orch_home, "tiny")
        assert kept > 10**6
        assert server.ranges == [""]  # the second source was not tried
        node.pull("tiny", lambda done, total: seen.append(done), lambda: False)
        assert server.ranges[1:] == [f"bytes={kept}-"]
    assert installed.path_of(orch_home, "tiny").read_bytes() == DATA
    assert seen[-1] == len(DATA)


def test_what_a_pull_cannot_do_is_an_error(
    node: LocalNode, orch_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoModel):
        node.pull("no-such-model", lambda done, total: None, lambda: False)
    with serving(DATA) as server:
        _known(server.url, monkeypatch)
        server.status = 404
        with pytest.raises(DownloadError):
            node.pull("tiny", lambda done, total: None, lambda: False)
        with (
            installed.lock(orch_home, "tiny"),
            pytest.raises(ModelError, match="Another orch is getting tiny"),
        ):
            node.pull("tiny", lambda done, total: None, lambda: False)
