import pytest

from orchestrator.handoff import runs
from orchestrator.handoff.templates import BRIEFING, ENTRY, PORTFOLIO, PROJECT, built_in


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "python -m pytest -q",
        "python3.11 -m unittest",
        "TZ=UTC timeout 60 uv run pytest -x",
        ".venv/bin/pytest",
        "cargo test --all",
        "go test ./...",
        "npm test",
        "npm run test:unit",
        "pnpm -s test",
        "make -j2 test",
        "cd a; ctest",
        "./gradlew test",
        "(pytest -q)",
    ],
)
def test_test_runners_are_known(command: str) -> None:
    assert runs.test_run("shell", command)


@pytest.mark.parametrize(
    "command",
    ["cat pytest.ini", "pip install pytest", "echo 'a; pytest'", "make testdata.csv2", "npm run build", ""],
)
def test_other_commands_are_not(command: str) -> None:
    assert not runs.test_run("shell", command)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("== 1 failed, 41 passed, 2 warnings in 3s ==", "1 failed, 41 passed, 2 warnings"),
        ("test result: ok. 3 passed; 0 failed; 0 ignored", "test result: ok. 3 passed; 0 failed"),
        ("Tests:       1 failed, 2 passed, 3 total", "Tests: 1 failed, 2 passed, 3 total"),
        ("Ran 12 tests in 0.1s\n\nOK", "Ran 12 tests"),
        ("nothing", ""),
    ],
)
def test_counts_are_read_from_the_output(output: str, said: str) -> None:
    assert runs.summary(output) == said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "E   ModuleNotFoundError: No module named 'x'\n== 1 error ==",
            "ModuleNotFoundError: No module named 'x'",
        ),
        (
            "FAILED tests/test_a.py::test_b - assert 1 == 2\n1 failed",
            "tests/test_a.py::test_b - assert 1 == 2",
        ),
        ("--- FAIL: TestCharge (0.00s)\nFAIL", "TestCharge"),
        ("test quota::zero ... FAILED\n", "quota::zero ... FAILED"),
        ("  1) charge refuses:\n     at x.js", "charge refuses:"),
        ("FAIL", ""),
    ],
)
def test_what_failed_is_read_from_the_output(output: str, said: str) -> None:
    assert runs.failure(output) == said


def test_whose_exit_code_it_is() -> None:
    assert runs.own_exit_code("cd app && pytest -q")
    assert not runs.own_exit_code("pytest -q | tail -1")
    assert not runs.own_exit_code("pytest -q; echo done")
    assert not runs.own_exit_code("make quick || pytest -q")  # it may never have run


def test_every_template_is_found() -> None:
    for name in (BRIEFING, ENTRY, PORTFOLIO, PROJECT):
        assert built_in(name)
