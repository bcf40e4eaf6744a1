from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from orchestrator import config
from orchestrator.commands.config import app
from orchestrator.errors import ConfigError
from orchestrator.paths import Home
from tests.commands.orch import run as orch


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_get_prints_every_setting_with_its_meaning() -> None:
    output = run("get").stdout
    for key, doc in config.keys().items():
        assert f"{key} = " in output
        assert doc in output


def test_get_prints_the_value_alone_on_stdout() -> None:
    done = run("get", "agent.mode")
    assert done.stdout == "ask\n"
    assert "read-only, ask or workspace" in done.stderr


def test_get_as_json() -> None:
    run("set", "agent.max_steps", "7")
    one = json.loads(run("get", "agent.max_steps", "--json").stdout)["agent.max_steps"]
    assert (one["value"], one["default"]) == (7, 12)
    assert set(json.loads(run("get", "--json").stdout)) == set(config.keys())
    assert json.loads(run("get", "agent.mode", "--json").stdout)["agent.mode"]["choices"]


def test_set_keeps_what_a_person_wrote(orch_home: Home) -> None:
    orch_home.config.write_text("# mine\n[agent]\nmax_steps = 3 # few\n")
    assert run("set", "agent.mode", "workspace").stdout == 'agent.mode = "workspace"\n'
    text = orch_home.config.read_text()
    assert "# mine" in text
    assert "max_steps = 3 # few" in text
    assert config.load(orch_home.config).agent.mode == "workspace"
    assert "(default: 12)" in run("get", "agent.max_steps").stderr


@pytest.mark.parametrize(
    ("key", "value"), [("agent.mod", "ask"), ("agent.mode", "yolo"), ("agent.max_steps", "many"), ("x", "1")]
)
def test_what_is_wrong_changes_nothing(orch_home: Home, key: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        run("set", key, value)
    assert caught.value.remedy
    assert not orch_home.config.exists()


@pytest.mark.parametrize("text", ["[tools]\ntimeout_s = inf\n", "[tools]\ntimeout_s = 1e400\n"])
def test_a_number_too_large_is_told(orch_home: Home, text: str) -> None:
    orch_home.config.write_text(text)
    with pytest.raises(ConfigError, match=r"tools\.timeout_s takes a whole number"):
        config.load(orch_home.config)


def test_every_number_has_limits_that_its_default_keeps() -> None:
    default = config.Settings()
    numbers = [key for key, _ in config.keys().items() if not isinstance(config.get(default, key), str)]
    assert set(config.MINIMUM) == set(config.MAXIMUM) == set(numbers)
    for key in numbers:
        value = config.get(default, key)
        assert config.MINIMUM[key] <= value <= config.MAXIMUM[key]
        for wrong in (config.MINIMUM[key] - 1, config.MAXIMUM[key] + 1):
            with pytest.raises(ConfigError, match=f"{key} cannot be (above|below)"):
                config.change(config.Settings(), key, wrong)


@pytest.mark.parametrize("value", ["513", "99999999999999999999"])
def test_more_threads_than_llama_cpp_takes_are_refused(orch_home: Home, tmp_path: Path, value: str) -> None:
    done = orch("config", "set", "model.threads", value, cwd=tmp_path)
    above = "model.threads cannot be above 512."
    assert (done.returncode, done.stderr) == (1, f"orch: {above} Choose from 0 to 512.\n")
    assert not orch_home.config.exists()
    orch_home.config.write_text(f"[model]\nthreads = {value} # mine\n")
    done = orch("ask", "hi", cwd=tmp_path)
    assert (done.returncode, done.stderr.startswith(f"orch: {orch_home.config}: {above}")) == (1, True)
    assert "run `orch config set model.threads VALUE`." in done.stderr
    assert orch("config", "set", "model.threads", "4", cwd=tmp_path).stderr == ""
    assert orch_home.config.read_text() == "[model]\nthreads = 4 # mine\n"
    assert ", 0 to 512" in run("get", "model.threads").stderr


def test_a_link_to_the_settings_stays_one(orch_home: Home, tmp_path: Path) -> None:
    (tmp_path / "dotfiles.toml").write_text("# mine\n")
    (tmp_path / "dotfiles.toml").chmod(0o640)
    orch_home.config.symlink_to(tmp_path / "dotfiles.toml")
    run("set", "agent.mode", "workspace")
    assert orch_home.config.is_symlink()
    assert (tmp_path / "dotfiles.toml").read_text() == '# mine\n\n[agent]\nmode = "workspace"\n'
    assert (tmp_path / "dotfiles.toml").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "option",
    [["--temperature", "nan"], ["--temperature", "1e30"], ["--max-steps", "0"], ["--max-steps", "9999"]],
)
def test_options_have_the_limits_of_their_settings(tmp_path: Path, option: list[str]) -> None:
    done = orch("ask", "hi", *option, cwd=tmp_path)
    assert done.returncode == 2
    assert f"Invalid value for '{option[0]}'" in done.stderr


def test_a_file_that_cannot_be_opened_is_told(orch_home: Home) -> None:
    orch_home.config.mkdir()
    with pytest.raises(ConfigError, match=r"config\.toml cannot be read: Is a directory\. .* ORCH_HOME"):
        config.load(orch_home.config)


def test_path(orch_home: Home) -> None:
    assert run("path").stdout == f"{orch_home.config}\n"


def test_no_escape_code_reaches_the_terminal(orch_home: Home) -> None:
    orch_home.config.write_text('[model]\nname = "a\\u001b[31mb"\n')
    assert "\x1b" not in run("get").stdout + run("get", "model.name").stdout


def test_help_shows_an_example() -> None:
    for command in ("get", "set", "path"):
        assert "Example: " in run(command, "--help").stdout


def test_keys_complete_in_the_shell() -> None:
    environment = {**os.environ, "_ORCH_COMPLETE": "complete_bash", "COMP_WORDS": "orch config set agent."}
    environment["COMP_CWORD"] = "3"
    command = [sys.executable, "-c", "from orchestrator.cli import app; app(prog_name='orch')"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["agent.mode", "agent.max_steps"]
