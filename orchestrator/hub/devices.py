"""Which devices may ask, and what: invitations that are good once, tokens that can be taken back.

Of secrets and tokens only the SHA-256 is kept: both are random and long, so nothing slower is needed.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from orchestrator.errors import HubError, UsageError
from orchestrator.hub.sqlite import HubDatabase
from orchestrator.ports import Clock
from orchestrator.remote.invitation import LIFETIME_S

SCOPES = ("chat", "sync")
_DEVICE = re.compile(r"[0-9a-f]{32}")
_SEEN_EVERY_MS = 5_000  # so that a stream of requests does not write each time


@dataclass(frozen=True, slots=True)
class Device:
    """`projects` are ids, None: all. Times in milliseconds since 1970."""

    id: str
    name: str
    scopes: tuple[str, ...]
    projects: tuple[str, ...] | None
    paired: int
    last_seen: int | None = None
    revoked: int | None = None

    def may_see(self, project: str) -> bool:
        return self.projects is None or project in self.projects


_COLUMNS = "id, name, scopes, projects, paired, last_seen, revoked"


class Devices:
    def __init__(self, database: HubDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    # --- pairing --------------------------------------------------------------------------------

    def invite(self, name: str, scopes: Sequence[str], projects: Iterable[str] | None) -> str:
        """A secret that pairs one device within ten minutes; it is not kept, and not shown again."""
        secret = secrets.token_hex(16)
        now = self._clock.now_ms()
        listed = None if projects is None else json.dumps(list(projects))
        with self._database.writing() as db:
            db.execute("DELETE FROM invitations WHERE expires < ?", (now,))
            if db.execute("SELECT 1 FROM devices WHERE name = ? AND revoked IS NULL", (name,)).fetchone():
                raise UsageError(
                    f"A device named {name} is paired.",
                    f"Choose another name, or `orch device revoke {name}`.",
                )
            values = (_hash(secret), name, json.dumps(list(scopes)), listed, now + LIFETIME_S * 1000)
            db.execute("INSERT INTO invitations VALUES (?, ?, ?, ?, ?, NULL)", values)
        return secret

    def pair(self, secret: str, device: str) -> tuple[Device, str]:
        """Use an invitation up; the device as it is known from now on, and its token, which is not kept.

        Raises `HubError`: 403 for a secret that is wrong, used or too old, 409 for a device that is paired.
        """
        if not _DEVICE.fullmatch(device):
            raise HubError("A device id has 32 hexadecimal digits.", "Use the id of its journal.", status=400)
        token, now = secrets.token_hex(32), self._clock.now_ms()
        with self._database.writing() as db:
            rows = db.execute("SELECT secret_sha256, name, scopes, projects, expires, used FROM invitations")
            wanted = _hash(secret)
            found = [row for row in rows if hmac.compare_digest(row[0], wanted)]
            if not found or found[0][5] is not None or found[0][4] < now:
                raise HubError(
                    "This pairing secret is not valid: it is wrong, used, or more than ten minutes old.",
                    "Run `orch device add NAME` on the hub again.",
                    status=403,
                )
            _, name, scopes, projects, _, _ = found[0]
            if db.execute("SELECT 1 FROM devices WHERE id = ? AND revoked IS NULL", (device,)).fetchone():
                raise HubError(
                    "This device is paired already.",
                    "Run `orch device list` on the hub, revoke it there, and pair it again.",
                    status=409,
                )
            db.execute("UPDATE invitations SET used = ? WHERE secret_sha256 = ?", (now, wanted))
            db.execute(
                f"REPLACE INTO devices (token_sha256, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)",
                (_hash(token), device, name, scopes, projects, now),
            )
        return self.listing(device)[0], token

    # --- tokens ---------------------------------------------------------------------------------

    def of_token(self, token: str) -> Device | None:
        """Whose token this is; None for one that is wrong or revoked."""
        wanted = _hash(token)
        query = f"SELECT token_sha256, {_COLUMNS} FROM devices WHERE revoked IS NULL"
        found = [row for row in self._database.rows(query) if hmac.compare_digest(row[0], wanted)]
        return _device(found[0][1:]) if found else None

    def seen(self, device: Device) -> None:
        now = self._clock.now_ms()
        if device.last_seen is None or now - device.last_seen >= _SEEN_EVERY_MS:
            with self._database.writing() as db:
                db.execute("UPDATE devices SET last_seen = ? WHERE id = ?", (now, device.id))

    def listing(self, device: str | None = None) -> list[Device]:
        """All devices, revoked ones too, in the order of pairing."""
        where = "WHERE id = ?" if device else ""
        query = f"SELECT {_COLUMNS} FROM devices {where} ORDER BY paired, id"
        return [_device(row) for row in self._database.rows(query, (device,) if device else ())]

    def valid(self, device: str) -> bool:
        return bool(self._database.rows("SELECT 1 FROM devices WHERE id = ? AND revoked IS NULL", (device,)))

    def revoke(self, name: str) -> list[Device]:
        """The devices of this name or id, which may ask no more. Raises `UsageError` where there is none."""
        now = self._clock.now_ms()
        with self._database.writing() as db:
            query = f"SELECT {_COLUMNS} FROM devices WHERE revoked IS NULL AND (name = ? OR id = ?)"
            found = [_device(row) for row in db.execute(query, (name, name))]
            for device in found:
                db.execute("UPDATE devices SET revoked = ? WHERE id = ?", (now, device.id))
            dropped = db.execute("DELETE FROM invitations WHERE name = ? AND used IS NULL", (name,)).rowcount
        if not found and not dropped:
            raise UsageError(f"No device named {name!r} is paired.", "See `orch device list`.")
        return found

    # --- what a device says of itself -----------------------------------------------------------

    def set_state(self, device: Device, status: str, context_version: str) -> int:
        """When it was seen, in milliseconds since 1970."""
        now = self._clock.now_ms()
        with self._database.writing() as db:
            db.execute(
                "REPLACE INTO device_state VALUES (?, ?, ?, ?)", (device.id, now, status, context_version)
            )
        return now


def _hash(secret: str) -> bytes:
    return sha256(secret.encode("utf-8", "replace")).digest()


def _device(row: Sequence[Any]) -> Device:
    identity, name, scopes, projects, paired, last_seen, revoked = row
    return Device(
        identity,
        name,
        tuple(json.loads(scopes)),
        None if projects is None else tuple(json.loads(projects)),
        paired,
        last_seen,
        revoked,
    )
