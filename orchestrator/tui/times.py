"""Times for people: relative in lists, absolute where one asks."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, in the user's time zone; screens take it as a value, so that tests can stop it."""
    return datetime.now().astimezone()


def ago(iso: str, at: datetime) -> str:
    """`just now`, `12 min ago`, `2 h ago`, `3 d ago`, then the date; empty for what is no time."""
    when = _parsed(iso, at)
    if when is None:
        return ""
    seconds = (at - when).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    if seconds < 14 * 86_400:
        return f"{seconds // 86_400:.0f} d ago"
    return f"{when.day} {when:%b}" if when.year == at.year else f"{when.day} {when:%b %Y}"


def absolute(iso: str, at: datetime) -> str:
    """`2026-03-04 09:12`, in the time zone of `at`; empty for what is no time."""
    when = _parsed(iso, at)
    return "" if when is None else f"{when:%Y-%m-%d %H:%M}"


def _parsed(iso: str, at: datetime) -> datetime | None:
    try:
        when = datetime.fromisoformat(iso)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(at.tzinfo)
    except (ValueError, OverflowError):  # no time, or one at the end of all days
        return None
