"""Times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tui.times import absolute, ago, now

AT = datetime(2026, 3, 4, 12, 0, tzinfo=timezone(timedelta(hours=2)))  # 10:00 UTC


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-03-04T10:00:00+00:00", "just now"),
        ("2026-03-04T10:05:00+00:00", "just now"),  # a peer's clock is ahead
        ("2026-03-04T09:48:30+00:00", "11 min ago"),
        ("2026-03-04T10:30:00+02:00", "1 h ago"),
        ("2026-03-03T10:00:01+00:00", "23 h ago"),
        ("2026-02-20T10:00:00+00:00", "12 d ago"),
        ("2026-01-31T23:30:00+00:00", "1 Feb"),  # in the user's time zone
        ("2025-11-20T10:00:00", "20 Nov 2025"),
        ("", ""),
        ("yesterday", ""),
    ],
)
def test_ago(iso: str, said: str) -> None:
    assert ago(iso, AT) == said


def test_absolute_is_in_the_users_time_zone() -> None:
    assert absolute("2026-03-04T23:30:00+00:00", AT) == "2026-03-05 01:30"
    assert absolute("?", AT) == ""
    assert now().tzinfo is not None


@given(st.text() | st.datetimes().map(datetime.isoformat))
def test_any_text(text: str) -> None:
    assert len(ago(text, AT)) <= 11
    assert len(absolute(text, AT)) <= 16
