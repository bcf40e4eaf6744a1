"""The key of a model server: from the environment, else from the system's keyring. Never written down."""

from __future__ import annotations

import contextlib
import importlib.util
import os

KEYRING_SERVICE = "orchestrator"


def key_for(host: str, variable: str) -> str:
    """The key for this host; empty when there is none.

    `keyring set orchestrator HOST` puts one into the keyring; the package is optional.
    """
    if given := os.environ.get(variable, "").strip():
        return given
    if importlib.util.find_spec("keyring") is None:
        return ""
    import keyring

    with contextlib.suppress(keyring.errors.KeyringError):
        return (keyring.get_password(KEYRING_SERVICE, host) or "").strip()
    return ""
