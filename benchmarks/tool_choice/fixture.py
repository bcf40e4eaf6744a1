"""A small repository to ask in: what the prompts of both sets speak of really stands in it.

`build(folder)` is deterministic: same files, authors, dates and commit ids each time. The README
is left changed but not committed, as a person's work usually is.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from isolated import history

FIRST = {
    "README.md": """# parcel

Parcel rates and invoices for small shops.

    pip install -e .
    python -m parcel

You recieve one quote for each carrier. Limits and retries are set in `config.toml`.
""",
    "pyproject.toml": """[project]
name = "parcel"
version = "0.4.0"
requires-python = ">=3.11"
dependencies = ["httpx>=0.27"]

[project.optional-dependencies]
dev = ["pytest", "ruff"]
""",
    "config.toml": """region = "eu"
debug = false

[client]
timeout = 10
retries = 3
""",
    ".gitignore": "__pycache__/\nbuild/\n.venv/\n",
    "src/parcel/__init__.py": '"""Parcel rates and invoices."""\n',
    "src/parcel/quota.py": '''"""How many quotes a shop may ask for in one day."""

LIMIT = 100


class QuotaError(Exception):
    """The shop has used up its quotes for today."""


def take(used: int, limit: int = LIMIT) -> int:
    """One quote more; returns how many are used now."""
    if used >= limit:
        raise QuotaError(f"{used} of {limit} quotes used")
    return used + 1
''',
    "src/parcel/rates.py": '''"""Prices by weight."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RateTable:
    """Cents for each started kilogram."""

    cents_per_kg: int
    base_cents: int = 350


def parse_weight(text: str, unit="kg") -> float:
    """Kilograms of `text`, for example "2.5" or "800 g"."""
    number, _, given = text.strip().partition(" ")
    return float(number) / (1000 if (given or unit) == "g" else 1)


def compute_rate(table: RateTable, weight: float) -> int:
    # TODO: volume weight for bulky parcels
    return table.base_cents + table.cents_per_kg * -(-int(weight * 1000) // 1000)
''',
    "tests/test_quota.py": """import pytest

from parcel.quota import QuotaError, take


def test_take_counts_up():
    assert take(3) == 4


def test_take_stops_at_the_limit():
    with pytest.raises(QuotaError):
        take(5, limit=5)
""",
}

SECOND = {
    "src/parcel/client.py": '''"""Asks carriers for quotes over HTTP."""

import json
import os

import httpx

API_KEY = os.environ.get("PARCEL_API_KEY", "")


def fetch_quote(url: str, weight: float, max_retries: int = 3, timeout: float = 10.0) -> dict:
    """The carrier's answer. Deprecated carriers answer 410."""
    for attempt in range(max_retries):
        response = httpx.post(
            url, json={"weight": weight}, headers={"key": API_KEY}, timeout=timeout, verify=False
        )
        if response.status_code < 500:
            return json.loads(response.text)
    raise RuntimeError(f"no quote after {attempt + 1} attempts")
''',
    "src/parcel/invoice.py": '''"""Invoices: numbers, lines, due dates."""

from dataclasses import dataclass
from datetime import date, timedelta

VAT_RATE = 0.19


@dataclass(frozen=True)
class InvoiceLine:
    text: str
    cents: int


def next_number(year: int, last: int) -> str:
    return f"{year}-{last + 1:05d}"


def due_date(issued: date) -> date:
    # temporary workaround
    return issued + timedelta(days=14)


def total_due(lines: list[InvoiceLine]) -> int:
    net = sum(line.cents for line in lines)
    return net + round(net * VAT_RATE)


def send_reminder(number: str) -> None:
    print(f"reminder for {number}")  # FIXME: send a mail
''',
    "settings.yaml": "log_level: info\nport: 8080\ncurrency: EUR\n",
    "docs/usage.md": """# Usage

Print a recipt with `python -m parcel receipt NUMBER`. The greeting of a mail is "Bonjour".

A discount (descuento) is one line with a negative amount.
""",
    "scripts/release.sh": '#!/bin/bash\nset -e\npython -m build\ngit tag "v$1"\n',
    "tests/test_invoice.py": """from parcel.invoice import InvoiceLine, total_due


def test_total_includes_vat():
    assert total_due([InvoiceLine("parcel", 1000)]) == 1190
""",
}


def build(folder: Path) -> Path:
    """Make the repository in `folder` (created; must not exist yet) and return it."""
    commits = [
        history.Commit("Ana Lopes", 3, "Rates and quotas", FIRST),
        history.Commit("Jon Berg", 17, "Carrier client, invoices and settings", SECOND),
    ]
    readme = FIRST["README.md"] + "\nInvoices are described in `docs/usage.md`.\n"
    return history.build(folder, commits, uncommitted={"README.md": readme})
