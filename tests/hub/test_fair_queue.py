"""Devices take turns."""

from orchestrator.hub.fair_queue import FairQueue


def test_devices_take_turns_and_positions_say_so() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        queue.put(item[0], item)
    foretold = queue.order()
    assert foretold == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert [queue.take() for _ in range(6)] == foretold
    assert queue.take() is None


def test_who_was_served_waits_for_the_others() -> None:
    queue: FairQueue[str] = FairQueue()
    for item in ("a1", "a2", "b1"):
        queue.put(item[0], item)
    assert queue.take() == "a1"
    queue.put("a", "a3")
    assert queue.order() == ["b1", "a2", "a3"]
    assert queue.remove("a", "a2")
    assert not queue.remove("a", "a2")
    assert queue.order() == ["b1", "a3"]


def test_room_ends_for_one_device_and_for_all() -> None:
    queue: FairQueue[int] = FairQueue(of_device=2, in_all=3)
    queue.put("a", 1)
    queue.put("a", 2)
    assert queue.room("a") == 0
    assert queue.room("b") == 2
    queue.put("b", 3)
    assert queue.room("c") < 0
