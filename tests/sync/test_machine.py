"""Convergence, whatever happens; and proof that the machine would notice."""

from __future__ import annotations

import os

import pytest
from hypothesis import Phase

from tests.sync.machine import Sync, steps
from tests.sync.mutants import MUTANTS, Patch

EXAMPLES = int(os.environ.get("ORCH_SYNC_EXAMPLES", "300"))
"""`make soak` takes 6,000."""


def test_all_is_well_in_the_end() -> None:
    steps(Sync, max_examples=EXAMPLES, print_blob=True)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_engine_is_found_out(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup)):
        steps(Sync, max_examples=1000, database=None, derandomize=True, phases=[Phase.generate])
