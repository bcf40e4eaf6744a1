"""One tree of errors. Each is one clear sentence, and states what to do.

OrchError                  exit code 1
├── UsageError             exit code 2: the command line was wrong
├── ConfigError            config.toml
├── ProjectError           a folder that cannot be used as a project
├── ModelError
│   ├── NoModel            none installed, or not the one named
│   ├── BadModelFile       checksum, truncation, not a GGUF
│   ├── DownloadError
│   ├── WorkerDied         the llama.cpp process crashed or was killed
│   ├── ServerError        a model server is absent, refuses, stalls, drops or talks nonsense
│   └── WindowFull         the prompt does not fit
├── ToolError              shown to the model as a failed result
│   └── Denied             policy or person said no
├── SandboxError
├── VcsError
├── JournalError           corrupt, locked too long, disk full
├── HubError               what a hub refuses, or cannot do
├── SyncError              a peer that is absent, refuses or talks nonsense
│   ├── BadPage            what came is no page, or only a part of one
│   └── PageTooLarge       what came, or what was sent, exceeds a limit
└── DocumentError          a handoff document that cannot be read or written
"""

from __future__ import annotations


class OrchError(Exception):
    """`message` says what happened, `remedy` what the user can do about it."""

    exit_code = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class UsageError(OrchError):
    exit_code = 2


class ConfigError(OrchError):
    pass


class ProjectError(OrchError):
    pass


class ModelError(OrchError):
    pass


class NoModel(ModelError):
    pass


class BadModelFile(ModelError):
    pass


class DownloadError(ModelError):
    pass


class WorkerDied(ModelError):
    pass


class ServerError(ModelError):
    pass


class WindowFull(ModelError):
    pass


class ToolError(OrchError):
    pass


class Denied(ToolError):
    pass


class SandboxError(OrchError):
    pass


class VcsError(OrchError):
    pass


class JournalError(OrchError):
    pass


class HubError(OrchError):
    """`status` is the HTTP status that says it, `retry_after` seconds after which it may be otherwise."""

    def __init__(self, message: str, remedy: str = "", *, status: int = 400, retry_after: int = 0) -> None:
        super().__init__(message, remedy)
        self.status = status
        self.retry_after = retry_after


class SyncError(OrchError):
    pass


class BadPage(SyncError):
    pass


class PageTooLarge(SyncError):
    pass


class DocumentError(OrchError):
    pass
