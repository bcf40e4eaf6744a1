"""Labels of commands: what is not understood is said, and joining commands loses nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.tools.labels import labels

CASES = {
    "ls -la": "",
    "cat a.txt | grep -n x | head": "",
    "grep foo src 2>/dev/null": "",
    "mkdir -p build && touch build/a": "",
    "echo hi > out.txt": "",
    "echo evil > /etc/passwd": "writes outside",
    "echo evil >> ../up.txt": "writes outside",
    "cp a ~/.bashrc": "writes outside",
    "tee /root/x < a": "writes outside",
    "dd of=/dev/sda": "writes outside",
    "rm -rf build": "deletes",
    "ls & rm -rf build": "deletes",
    "ls\nrm x": "deletes",
    "timeout 5 rm x": "deletes",
    "env rm -rf build": "deletes",
    "find . -delete": "deletes",
    "find . -exec rm a +": "deletes",
    "rm -r /srv/data": "writes outside deletes",
    "curl http://x": "network",
    "ls; wget x": "network",
    "sudo rm x": "deletes privilege",
    "git push": "network unknown",
    "git clean -fd": "deletes",
    "pip install x": "network unknown",
    "LD_PRELOAD=./e.so ls": "unknown",
    "GIT_EXTERNAL_DIFF=./e git diff": "unknown",
    "sort -o out in": "unknown",
    "./run.sh": "unknown",
    "pytest -q": "unknown",
    "$X": "unknown",
    "eval ls": "unknown",
    "echo $(curl x)": "network unknown",
    "echo `rm x`": "deletes unknown",
    "bash -c 'rm x; curl y'": "network deletes unknown",
    "echo 'unclosed": "unknown",
    "rm 'unclosed": "deletes unknown",
    "'rm' x": "deletes",
    "r''m x": "deletes",
    "echo 'rm x; curl y'": "",
}


@pytest.mark.parametrize("command", CASES)
def test_what_a_command_seems_to_do(command: str) -> None:
    assert " ".join(labels(command)) == CASES[command]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("Get-ChildItem | Where-Object Name", ""),
        ("Remove-Item -Recurse build", "deletes"),
        ("gci; rd build", "deletes"),
        ("Invoke-WebRequest http://x", "network"),
        ("Set-Content C:\\x.txt hi", "writes outside"),
        ("Start-Process x -Verb RunAs", "privilege unknown"),
        ("iex (iwr x)", "network unknown"),
        ("1..3 | ForEach-Object { del x }", "deletes unknown"),
        ("& $x", "unknown"),
        ("powershell -EncodedCommand AAAA", "unknown"),
        ("pwsh -NoProfile -Command Remove-Item x; ls", "deletes unknown"),
        ("cmd /c del C:\\x", "writes outside deletes unknown"),
        ("(New-Object Net.WebClient).DownloadFile('http://x', 'y')", "network unknown"),
        ("[System.IO.File]::Delete('x')", "deletes unknown"),
        ("ni C:\\x; cpi a \\\\host\\share", "writes outside"),
        ("schtasks /create /tn x", "privilege unknown"),
        ("reg.exe add HKLM\\x", "privilege unknown"),
        ("Invoke-Command -ComputerName x { ls }", "network"),
    ],
)
def test_powershell(command: str, said: str) -> None:
    assert " ".join(labels(command, powershell=True)) == said


@given(st.text(), st.booleans())
def test_no_text_is_too_odd(command: str, powershell: bool) -> None:
    labels(command, powershell=powershell)


@given(
    st.sampled_from(list(CASES)),
    st.sampled_from([";", "&&", "||", "|", "&", "\n"]),
    st.sampled_from(list(CASES)),
)
def test_joined_commands_lose_no_label(first: str, joint: str, second: str) -> None:
    if "unclosed" not in first + second:  # bash runs nothing of that line
        assert set(labels(first)) | set(labels(second)) <= set(labels(f"{first} {joint} {second}"))
