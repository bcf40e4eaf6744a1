from __future__ import annotations

from tests.handoff.conftest import Scene


def lessons(scene: Scene) -> list[str]:
    scene.documents.refresh()
    return scene.briefing.split("## Lessons\n")[1].split("\n\n")[0].splitlines()


def test_two_sessions_promote_a_lesson_and_two_notes_of_one_do_not(scene: Scene) -> None:
    scene.start()
    scene.note("lesson", "The router caches!", by="model")
    scene.start("8b" + "0" * 30)
    scene.note("lesson", "the ROUTER caches", by="model")
    scene.note("lesson", "Say it twice", by="model")
    scene.note("lesson", "say it twice.", by="model")
    assert lessons(scene) == [
        "- the ROUTER caches [S8b00#2, S7f3a#2, claimed]",
        "- say it twice. [S8b00#4, claimed]",
    ]


def test_a_line_of_many_notes_cites_the_newest_a_persons_and_other_sessions(scene: Scene) -> None:
    scene.start("1a" + "0" * 30)
    scene.note("lesson", "Use TZ=UTC")
    for session in ("2b", "3c", "4d"):
        scene.start(session + "0" * 30)
        scene.note("lesson", "use TZ=UTC", by="model")
        scene.note("lesson", "use TZ=UTC", by="model")
    (line,) = lessons(scene)
    assert line.startswith("- use TZ=UTC [S4d00#3, ")
    assert "S1a00#2" in line
    assert line.endswith(", confirmed]")
    assert line.count("#") == 3
    assert scene.check() == ()
