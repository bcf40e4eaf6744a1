"""`orch edge` with a real hub on loopback; the models are scripted, all else is real."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.journal.store import SqliteJournal
from orchestrator.paths import Home
from orchestrator.types import Record
from orchestrator.workspaces.peers import Peers
from tests.commands.orch import ORCH, events, run, script
from tests.e2e.tmux import Terminal
from tests.hub.served import Served, answers, served

HALF = "half of what the hub has to say "  # the last word is told when it has ended
LONG = " ".join(f"word{n}" for n in range(60))
HEAVY = ("textual", "git", "ollama", "llama_cpp", "pydantic", "starlette", "uvicorn")
LISTED = f"""
import sys
from orchestrator.cli import main
sys.argv = ["orch", *sys.argv[1:]]
try:
    main()
finally:
    print("LOADED=", [name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (made := tmp_path / "heron").mkdir()
    return made


@pytest.fixture
def here(tmp_path: Path) -> str:
    return script(tmp_path / "here.json", *[{"answer": "Answered here."}] * 9)


def pair(hub: Served, folder: Path, url: str = "") -> None:
    invitation = hub.invite()
    text = invitation.text().replace(urlsplit(hub.url).netloc.replace(":", "%3A"), url) if url else ""
    done = run("pair", text or invitation.text(), cwd=folder)
    assert done.returncode == 0, done.stderr


def messages(home: Home) -> list[Record]:
    with SqliteJournal.open(home) as journal:
        return journal.records(kinds=["message"])


def asking(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [*ORCH, "edge", "ask", "tell me", "--no-sync", "--json", *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def first_token(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout
    for line in process.stdout:
        if (event := json.loads(line))["type"] == "token":
            return dict(event)
    raise AssertionError(process.communicate()[1])


def test_a_hub_killed_in_mid_answer_costs_no_word_and_the_local_model_goes_on(
    orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json", {"pause": HALF})) as hub:
        pair(hub, folder)
        with asking(folder, "--model", here) as process:
            said = first_token(process)["text"]
            hub.kill()
            assert process.stdout
            rest = events(process.stdout.read())  # `communicate` would miss what is read ahead already
            process.wait(120)
    said += "".join(one["text"] for one in rest if one["type"] == "token")
    assert process.returncode == 0
    assert said.endswith("Answered here.")
    heard = said.removesuffix("Answered here.")  # as much of it as came before the kill
    assert heard
    assert HALF.startswith(heard)
    asked, cut, answer = messages(orch_home)
    assert asked.body == {"role": "user", "text": "tell me"}
    assert cut.body
    assert (cut.body["text"], cut.body["interrupted"]) == (heard, True)
    assert cut.body["server"] == Peers(orch_home).find().name
    assert answer.body
    assert answer.body["text"] == "Answered here."
    assert "server" not in answer.body
    assert asked.project == cut.project == answer.project != ""


def test_an_interrupt_ends_the_run_on_the_hub_and_keeps_what_was_said(
    orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json", {"pause": HALF})) as hub:
        pair(hub, folder)
        with asking(folder, "--model", here) as process:
            said = first_token(process)["text"]
            while not HALF.endswith(said):  # all that it will say by itself
                said += first_token(process)["text"]
                if said == HALF:
                    break
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        assert process.returncode == 130
        for home in (orch_home, hub.home):
            last = messages(home)[-1]
            assert last.body
            assert (last.body["text"], last.body["interrupted"]) == (HALF, True)


def test_what_is_private_is_answered_here_and_no_peer_hears_of_it(
    orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json", {"answer": "of the hub"})) as hub:
        pair(hub, folder)
        done = run("edge", "ask", "-q", "--model", here, cwd=folder, stdin="/private\nmy diagnosis")
        assert (done.returncode, done.stdout) == (0, "Answered here.\n"), done.stderr
        assert {one.stream for one in messages(orch_home)} == {"private"}
        done = run("sync", cwd=folder)
        assert done.returncode == 0, done.stderr
        assert messages(hub.home) == []
        done = run("edge", "ask", "-q", "--no-sync", "--model", here, cwd=folder, stdin="in the open")
        assert (done.returncode, done.stdout) == (0, "of the hub\n"), done.stderr
        ways = json.loads(run("edge", "status", "--json", cwd=folder).stdout)["ways"]
        assert [(one["kind"], one["reachable"]) for one in ways][1:] == [("this network", True)]


class Cutting:
    """A way to the hub that breaks: its first streams end after some bytes."""

    def __init__(self, url: str, cuts: list[int]) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._to = (parts.hostname, parts.port)
        self._cuts = cuts
        self.cut = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1%3A{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._server.accept()
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        hub = socket.create_connection(self._to)
        request = client.recv(65536)
        streams = b"/chat/stream" in request or b"/events" in request
        left = self._cuts.pop(0) if streams and self._cuts else 1 << 30
        hub.sendall(request)
        threading.Thread(target=self._upwards, args=(client, hub), daemon=True).start()
        while left > 0 and (data := hub.recv(min(left, 4096))):
            client.sendall(data)
            left -= len(data)
        self.cut += left <= 0
        for one in (client, hub):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _upwards(self, client: socket.socket, hub: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                hub.sendall(data)


def test_a_broken_connection_is_resumed_without_a_gap(
    orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    steps = {"answer": LONG, "tokens_per_second": 200}
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json", steps)) as hub:
        way = Cutting(hub.url, [700, 900])
        pair(hub, folder, way.address)
        run("init", cwd=folder)
        assert run("sync", cwd=folder).returncode == 0  # else the hub is asked again, without the project
        with asking(folder, "--model", here) as process:
            out, err = process.communicate(timeout=60)
    told = events(out)
    assert way.cut == 2
    assert "".join(one["text"] for one in told if one["type"] == "token") == LONG, err
    assert [one.body and one.body["text"] for one in messages(orch_home)] == ["tell me", LONG]


def test_the_desktop_of_this_network_is_asked_first_and_the_hub_when_it_is_gone(
    orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    """The hub stands behind an address that is this machine's, but does not look like one of this network."""
    with (
        served(Home(tmp_path / "vps"), answers(tmp_path / "v.json", {"answer": "of the hub"})) as vps,
        served(
            Home(tmp_path / "desk"), answers(tmp_path / "d.json", {"answer": "of the desktop"})
        ) as desktop,
    ):
        port = vps.url.rpartition(":")[2]
        for name, hub, address in (("a-hub", vps, f"127.1%3A{port}"), ("desktop", desktop, "")):
            text = hub.invite().text()
            text = text.replace(urlsplit(hub.url).netloc.replace(":", "%3A"), address) if address else text
            done = run("pair", text, "--name", name, cwd=folder)
            assert done.returncode == 0, done.stderr
        ways = json.loads(run("edge", "status", "--json", cwd=folder).stdout)["ways"]
        kinds = {one["name"]: one["kind"] for one in ways if one["kind"] != "local"}
        assert kinds["desktop"] == "this network" != kinds["a-hub"]
        ask = ("edge", "ask", "-q", "--no-sync", "--model", here, "who?")
        assert run(*ask, cwd=folder).stdout == "of the desktop\n"
        desktop.kill()
        assert run(*ask, cwd=folder).stdout == "of the hub\n"
        vps.kill()
        assert run(*ask, cwd=folder).stdout == "Answered here.\n"


@pytest.fixture
def unreachable(orch_home: Home, folder: Path, tmp_path: Path) -> None:
    with served(Home(tmp_path / "hub"), answers(tmp_path / "s.json")) as hub:
        pair(hub, folder)


def test_nothing_heavy_is_loaded_and_all_works_without_a_network(
    unreachable: None, orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    for args in (["status"], ["ask", "hello", "--model", here]):
        done = subprocess.run(
            [sys.executable, "-c", LISTED, "edge", *args],
            cwd=folder, env=os.environ, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "LOADED= []" in done.stderr
    assert done.stdout == "Answered here.\n"
    assert "no peer can be reached" in done.stderr


@pytest.mark.tmux
def test_a_prompt_in_a_terminal(
    unreachable: None, orch_home: Home, folder: Path, here: str, tmp_path: Path
) -> None:
    opened = Terminal(tmp_path / "tmux", [sys.executable, "-c", LISTED, "edge", "--model", here], folder)
    try:
        opened.wait("› ")
        opened.line("hello")
        opened.wait("Answered here.")
        opened.line("/quit")
        assert "LOADED= []" in opened.wait("EXIT=0")
    finally:
        opened.close()
    assert [one.body and one.body["text"] for one in messages(orch_home)] == ["hello", "Answered here."]
