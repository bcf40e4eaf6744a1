import os
from pathlib import Path

from orchestrator.documents import tiers


def test_whatever_exists_is_read_in_order(tmp_path: Path) -> None:
    project = tmp_path / "heron"
    project.mkdir()
    (tmp_path / "PORTFOLIO_CONTEXT.md").write_text("all projects")
    (project / "PROJECT_CONTEXT.md").write_bytes(b"\xef\xbb\xbfhow\r\nit works \xff\x1b[31m")
    (project / "SESSION_LOG.md").write_text("log")
    found = tiers.read_tiers(project, tmp_path)
    assert [(tier.tier, tier.name, tier.text) for tier in found] == [
        (1, "portfolio", "all projects"),
        (2, "project", "how\nit works \ufffd[31m"),
        (4, "log", "log"),
    ]


def test_the_portfolio_may_lie_in_the_project(tmp_path: Path) -> None:
    (tmp_path / "PORTFOLIO_CONTEXT.md").write_text("here")
    assert [tier.text for tier in tiers.read_tiers(tmp_path, None)] == ["here"]


def test_a_long_log_starts_with_a_whole_entry(tmp_path: Path) -> None:
    entry = "## Session S{}: x\n\n### Blockers\n" + "- line of text\n" * 30
    (tmp_path / "SESSION_LOG.md").write_text("".join(entry.format(n) for n in range(500)))
    text = tiers.read_tiers(tmp_path, None)[0].text
    assert text.startswith("## Session S")
    assert "## Session S499:" in text
    assert len(text) <= tiers.TAIL_BYTES


def test_what_cannot_be_read_is_left_out_with_a_warning(tmp_path: Path) -> None:
    project = tmp_path / "heron"
    project.mkdir()
    (tmp_path / "secret").write_text("secret")
    (project / "PROJECT_CONTEXT.md").symlink_to(tmp_path / "secret")
    os.mkfifo(project / "SESSION_BRIEFING.md")
    (project / "SESSION_LOG.md").write_text("log")
    warnings: list[str] = []
    assert [tier.tier for tier in tiers.read_tiers(project, None, warnings.append)] == [4]
    assert len(warnings) == 2


def test_utf_16_from_windows_is_read(tmp_path: Path) -> None:
    (tmp_path / "PROJECT_CONTEXT.md").write_bytes("\ufeffgrün".encode("utf-16-le"))
    assert tiers.read_tiers(tmp_path, None)[0].text == "grün"


def test_a_long_log_is_read_from_a_place_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "SESSION_LOG.md"
    starts = []
    text = "# Session log\n"
    for number in range(260):
        text += f"\n## Session S{number:04x}: {number}\n\n" + "- work\n" * 60
        path.write_text(text, encoding="utf-8")
        read = tiers.read_tier(tiers.LOG, tmp_path)
        starts.append(read.splitlines()[0])
        assert read.endswith("- work")
    assert starts[-1].startswith("## Session S")
    assert len(set(starts[200:])) < 15  # of sixty
