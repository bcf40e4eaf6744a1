"""What a hub shows and a device reads to be paired: a QR code, or the same as text.

orch-pair:1?url=http%3A%2F%2F192.168.1.5%3A8765&secret=…&name=phone
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from orchestrator.errors import UsageError

SCHEME = "orch-pair"
VERSION = "1"
LIFETIME_S = 600
"""Of a secret, which is good for one device."""
SECRET = re.compile(r"[0-9a-f]{32}")
"""128 bits."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`url` is the hub's, without a path; `name` is how the hub calls the device."""

    url: str
    secret: str
    name: str

    def text(self) -> str:
        return f"{SCHEME}:{VERSION}?{urlencode({'url': self.url, 'secret': self.secret, 'name': self.name})}"

    def __repr__(self) -> str:
        return f"Invitation({self.url!r}, {self.name!r})"


def read_invitation(text: str) -> Invitation:
    """Raises `UsageError`; white space that a terminal put into the text is taken out."""
    parts = urlsplit("".join(text.split()))
    given = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.scheme != SCHEME or not parts.path or not {"url", "secret", "name"} <= set(given):
        raise UsageError("That is no pairing text.", "Paste the whole line that `orch device add` printed.")
    if parts.path != VERSION:
        raise UsageError(f"This orch does not know pairing texts of version {parts.path}.", "Update it.")
    if not SECRET.fullmatch(given["secret"]):
        raise UsageError("The secret of the pairing text is not whole.", "Paste the whole line.")
    return Invitation(hub_url(given["url"]), given["secret"], given["name"][:64])


def hub_url(text: str) -> str:
    """The address of a hub, without a path. Raises `UsageError`."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.username or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UsageError(f"{text!r} is no address of a hub.", "Write it like http://192.168.1.5:8765.")
    return f"{parts.scheme}://{parts.netloc}"
