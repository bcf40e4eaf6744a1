from orchestrator.commands.pace import Pace, duration


def test_the_rest_is_reckoned_from_the_last_seconds() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.remaining(0, 1000) is None
    for _ in range(20):  # 50 tokens a second, then 10
        now += 1
        quick = pace.remaining(int(now) * 50, 10_000)
    assert quick == (10_000 - 1000) / 50
    for second in range(1, 21):
        now += 1
        slow = pace.remaining(1000 + second * 10, 10_000)
    assert slow == (10_000 - 1200) / 10


def test_a_time_is_said_only_when_it_is_known() -> None:
    assert duration(None) == ""
    assert duration(0.2) == "about 1 s left"
    assert duration(89) == "about 89 s left"
    assert duration(150) == "about 2 min left"
