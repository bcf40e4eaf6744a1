"""A real `orch serve` on loopback, in a process of its own, and devices paired with it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from orchestrator.paths import Home
from orchestrator.remote.invitation import Invitation, read_invitation
from tests.commands.orch import ORCH, run


@dataclass
class Served:
    home: Home
    url: str
    process: subprocess.Popen[str]
    told: dict[str, Any]

    def invite(self, name: str = "phone", *more: str) -> Invitation:
        args = ("device", "add", name, "--json", "--url", self.url, *more)
        done = run(*args, cwd=self.home.root, ORCH_HOME=str(self.home.root))
        assert done.returncode == 0, done.stderr
        return read_invitation(json.loads(done.stdout)["text"])

    def pair(self, name: str = "phone", *more: str) -> httpx.Client:
        """A client with the token of a new device; its id is in the header X-Device."""
        device = secrets.token_hex(16)
        body = {"secret": self.invite(name, *more).secret, "device": device}
        response = httpx.post(f"{self.url}/pair", json=body)
        assert response.status_code == 200, response.text
        headers = {"Authorization": f"Bearer {response.json()['token']}", "X-Device": device}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """As a service manager would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode


@contextlib.contextmanager
def served(home: Home, model: str, *more: str) -> Iterator[Served]:
    home.root.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [*ORCH, "serve", "--port", "0", "--json", "--model", model, *more],
        env={**os.environ, "ORCH_HOME": str(home.root)},
        cwd=home.root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        yield Served(home, told["url"], process, told)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def answers(path: Path, *steps: dict[str, Any]) -> str:
    path.write_text(json.dumps(steps), encoding="utf-8")
    return f"scripted:{path}"


def heard(text: str) -> list[tuple[int, str, dict[str, Any]]]:
    """(id, type, data) of a whole stream; 0 for an event without an id."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((int(fields.get("id", 0)), fields["event"], json.loads(fields["data"])))
    return found


def said(events: list[tuple[int, str, dict[str, Any]]]) -> str:
    return "".join(data["text"] for _, kind, data in events if kind == "token")
