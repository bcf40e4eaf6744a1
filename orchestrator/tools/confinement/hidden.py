"""What no command may read: keys and tokens of the user and the system, and the node's own home."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

PRIVATE = ("/tmp", "/var/tmp", "/run", "/var/run")
"""Folders in which other programs keep sockets and temporary files."""
_HOME = """
.ssh .gnupg .aws .azure .kube .docker .password-store .netrc .pgpass .my.cnf .git-credentials .npmrc
.yarnrc.yml .pypirc .cargo/credentials .cargo/credentials.toml .gem/credentials .bundle/config
.composer/auth.json .m2/settings.xml .gradle/gradle.properties .subversion/auth .s3cfg .boto
.databrickscfg .snowflake .fly .kaggle .terraform.d .terraformrc .vault-token .huggingface .pki .cert
.Xauthority .ICEauthority .config/gh .config/glab-cli .config/hub .config/git/credentials .config/gcloud
.config/op .config/doctl .config/hcloud .config/heroku .config/netlify .config/composer/auth.json
.config/rclone .config/sops .config/age .config/1Password .config/Bitwarden .config/keepassxc
.config/github-copilot .config/google-chrome .config/google-chrome-beta .config/chromium
.config/BraveSoftware .config/microsoft-edge .config/vivaldi .config/opera .config/Signal .config/Slack
.config/discord .config/opencode .config/goose .config/evolution .cache/huggingface/token
.cache/google-chrome .cache/chromium .cache/mozilla .mozilla .thunderbird .var/app snap
.local/share/orchestrator .local/share/keyrings .local/share/kwalletd .local/share/evolution
.local/share/fish .local/share/opencode .local/share/TelegramDesktop .bash_history .zsh_history
.python_history .node_repl_history .psql_history .mysql_history .sqlite_history .lesshst .viminfo
.electrum .bitcoin .ethereum Library/Keychains Library/Cookies .claude .claude.json .codex .gemini
.cursor
"""
_SYSTEM = """
/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/ssl/private /etc/sudoers /etc/sudoers.d
/etc/wireguard /etc/NetworkManager/system-connections /etc/krb5.keytab /etc/letsencrypt/archive
/etc/letsencrypt/accounts /etc/docker/key.json /var/lib/sss /var/lib/kubelet /var/lib/docker /var/spool/cron
/var/spool/mail /var/mail /var/backups
"""
_VARIABLES = """
AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CONFIG KUBECONFIG
DOCKER_CONFIG NETRC PGPASSFILE GNUPGHOME NPM_CONFIG_USERCONFIG PASSWORD_STORE_DIR VAULT_TOKEN_PATH
GH_CONFIG_DIR XAUTHORITY HF_TOKEN_PATH
"""
"""Variables that say where a secret lies, on machines that keep it elsewhere."""


_BOUND = re.compile(r"^\S+: \S+ \S+ \S+ \S+ \S+ +\d+ (/.+)$", re.MULTILINE)


def secret_paths(node_home: Path) -> list[Path]:
    """All of it, the node's home among it, as it exists now; links resolved."""
    homes = _homes()
    wanted = [home / name for home in homes for name in _HOME.split()]
    for variable, prefix in (("XDG_CONFIG_HOME", ".config/"), ("XDG_DATA_HOME", ".local/share/")):
        if (moved := os.environ.get(variable, "")).startswith("/"):
            wanted += [Path(moved, name[len(prefix) :]) for name in _HOME.split() if name.startswith(prefix)]
    wanted += [Path(name) for name in _SYSTEM.split()]
    wanted += Path("/etc/ssh").glob("ssh_host_*_key")
    wanted += [
        Path(value) for name in _VARIABLES.split() if (value := os.environ.get(name, "")).startswith("/")
    ]
    wanted.append(node_home)
    found = {Path(os.path.realpath(path)) for path in wanted if _there(path)}
    return sorted(path for path in found if not _holds_system(path, homes))


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder that only others may look into
        return False


def _holds_system(path: Path, homes: set[Path]) -> bool:
    """A variable that names the root or a whole home would hide everything."""
    return path == Path("/") or any(within(home.resolve(), path) for home in homes)


def sockets(root: Path, hidden: Sequence[Path]) -> list[Path]:
    """Sockets in the file system on which programs of this machine listen, where a command would see them.

    A read-only mount does not stop a connection. What commands themselves open under an own network
    is not in this list.
    """
    try:
        lines = Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return []
    names = set(_BOUND.findall(lines))
    found = {Path(name) for name in names if os.path.exists(name)}
    return sorted(
        path
        for path in found
        if within(path, root) or not (private(path) or any(within(path, secret) for secret in hidden))
    )


def within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def private(path: Path) -> bool:
    return any(within(path, Path(folder)) for folder in PRIVATE)


def too_wide(root: Path) -> bool:
    """A home folder, or what holds it: commands could rewrite start-up files, so they only read."""
    return any(within(home.resolve(), root) for home in _homes())


def _homes() -> set[Path]:
    """The one of this environment, and the account's own."""
    homes = {Path.home()}
    if sys.platform != "win32":
        import pwd

        with contextlib.suppress(KeyError):  # a user without an entry, as in a container
            homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return {home for home in homes if home != Path("/")}


def name_servers() -> list[Path]:
    """Where the names of hosts are resolved by a file in a hidden folder, that file."""
    target = Path(os.path.realpath("/etc/resolv.conf"))
    return [target] if private(target) and target.is_file() else []
