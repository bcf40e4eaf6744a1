"""What a step left behind that can be measured, and whether that is progress. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Progress = Literal["diff", "tests", "evidence"]


@dataclass(frozen=True, slots=True)
class Sign:
    """Of one step. `change`, `outcome` and `said` are fingerprints: of its diff, of what the check said
    after it, and of its answer; `failures` is how many tests failed, where that is known. `kept`: the diff
    was committed. `found` are the places that it read and the notes that it made."""

    change: str = ""
    kept: bool = False
    outcome: str = ""
    failures: int | None = None
    found: tuple[str, ...] = ()
    said: str = ""


def progress(before: Sequence[Sign], new: Sign) -> tuple[Progress, ...]:
    """In what the step got on, compared with all before it; empty: in nothing."""
    signs: list[Progress] = []
    if new.kept and new.change and new.change not in {sign.change for sign in before}:
        signs.append("diff")
    known = [sign.failures for sign in before if sign.failures is not None]
    if new.failures is not None and known and new.failures < min(known):
        signs.append("tests")
    if set(new.found) - {place for sign in before for place in sign.found}:
        signs.append("evidence")
    return tuple(signs)


def to_json(sign: Sign) -> dict[str, Any]:
    return asdict(sign)


def of_json(value: object) -> Sign:
    """Total: what is missing or of another type counts as nothing."""
    given = value if isinstance(value, Mapping) else {}
    failures, found = given.get("failures"), given.get("found")
    return Sign(
        change=str(given.get("change") or ""),
        kept=given.get("kept") is True,
        outcome=str(given.get("outcome") or ""),
        failures=failures if isinstance(failures, int) else None,
        found=tuple(str(one) for one in found) if isinstance(found, list | tuple) else (),
        said=str(given.get("said") or ""),
    )
