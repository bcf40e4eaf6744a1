"""Addresses of servers: which stay on this machine, and how they are told to people."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from orchestrator.errors import ConfigError
from orchestrator.terminal import one_line

_WIDTH = 100


def loopback(host: str) -> bool:
    """Whether what is sent there stays on this machine. A name that merely resolves so does not count."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address(url: str) -> str:
    """`host:port` for people, without user, password or path."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    return one_line(f"{host}:{parts.port}" if parts.port else host, _WIDTH)


def sent_to(url: str) -> str:
    """The host that a prompt to this URL goes to; empty where it stays on this machine."""
    host = urlsplit(url).hostname or ""
    return "" if loopback(host) else address(url)


def checked(url: str, setting: str) -> str:
    """The URL without its last slashes. Raises `ConfigError` unless it is http(s) with a host."""
    if not url.strip():
        raise ConfigError(f"{setting} is not set.", f"Run `orch config set {setting} http://HOST:PORT/v1`.")
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{setting} is no address of a server.", "Write it like http://127.0.0.1:8080/v1.")
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            f"{setting} holds more than an address.",
            "A key comes from the environment: see `orch config get server.key_variable`.",
        )
    return url.strip().rstrip("/")
