import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.handoff import manifests
from orchestrator.handoff.survey import Survey, about, survey


def lines(found: Survey) -> list[str]:
    return [fact.line for fact in (*found.about, *(fact for group in found.sections for fact in group.facts))]


def test_an_empty_folder_has_nothing_to_say(tmp_path: Path) -> None:
    assert lines(survey(tmp_path, "x")) == []
    assert about(tmp_path) is None


def test_links_and_huge_files_are_not_followed(tmp_path: Path) -> None:
    project = tmp_path / "p"
    project.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nkeys\n")
    (project / "README.md").symlink_to(tmp_path / "secret.md")
    (project / "all").symlink_to("/")
    with (project / "LICENSE").open("wb") as file:
        file.truncate(1 << 32)
    assert lines(survey(project, "p")) == []


def test_own_documents_do_not_change_the_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    before = survey(tmp_path, "x")
    (tmp_path / "SESSION_LOG.md").write_text("")
    (tmp_path / "PROJECT_CONTEXT.md").write_text("")
    assert survey(tmp_path, "x") == before


@given(
    value=st.recursive(
        st.none() | st.text(max_size=20) | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["name", "scripts", "bin", "main", "license", "dependencies", "description"]),
                inner,
            )
        ),
        max_leaves=8,
    )
)
def test_no_shape_of_json_makes_the_parser_fall_over(value: object) -> None:
    manifests.package_json(json.dumps(value), "package.json")
