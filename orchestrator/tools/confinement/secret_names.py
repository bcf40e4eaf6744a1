"""Names of what holds keys and tokens, and of what surely does not. Data.

In a home folder everything that begins with a dot is hidden, unless it is a tool or its packages: a list of
secrets would never be complete.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IN_HOME = (
    *_words(
        """
.ssh .gnupg .aws .azure .kube .docker .password-store .netrc .pgpass .my.cnf .git-credentials .npmrc
.yarnrc.yml .pypirc .cargo/credentials .cargo/credentials.toml .gem/credentials .bundle/config
.composer/auth.json .m2/settings.xml .m2/settings-security.xml .gradle/gradle.properties .gradle/init.d
.subversion/auth .s3cfg .boto .databrickscfg .snowflake .fly .kaggle .terraform.d .terraformrc
.vault-token .huggingface .pki .cert .Xauthority .ICEauthority .mozilla .thunderbird .var snap .electrum
.bitcoin .ethereum .ivy2/.credentials .sbt/.credentials .sbt/credentials .nuget/NuGet/NuGet.Config
.rye/credentials .android/adbkey .android/adbkey.pub .android/debug.keystore .bash_history .zsh_history
.python_history .ipython/profile_default/history.sqlite .julia/logs .yarn/berry/global.yml .hex/hex.config
.opam/config .cache/huggingface/token .cache/huggingface/stored_tokens .cache/google-chrome
.cache/chromium .cache/mozilla .cache/BraveSoftware .cache/microsoft-edge .cache/vivaldi
.cache/thunderbird .cache/gh .cache/evolution .cache/spotify .config/git/credentials
.config/pypoetry/auth.toml .config/pip/netrc .local/share/jupyter/runtime .local/share/uv/credentials
Library/Keychains Library/Cookies Library/Mail Library/Messages Library/Safari Library/Preferences
Library/Containers
"""
    ),
    "Library/Application Support",
)
"""Hidden where they are, also below what is kept."""
TOOLS = _words(
    """
.cargo .rustup .nvm .fnm .volta .n .pyenv .rbenv .rvm .nodenv .goenv .jenv .sdkman .asdf .tfenv .gem
.bundle .npm .pnpm .pnpm-store .pnpm-state .yarn .bun .deno .m2 .gradle .ivy2 .sbt .coursier .nuget
.dotnet .opam .ghcup .cabal .stack .ghc .elan .juliaup .julia .mix .hex .cache .linuxbrew .nix-profile
.nix-defexpr .guix-profile .mamba .micromamba .pixi .rye .poetry .virtualenvs .pipx .platformio .arduino15
.conan .conan2 .vcpkg .ccache .cpan .cpanm .perl5 .luarocks .swiftpm .swiftly .cocoapods .pub-cache
.flutter .android .ipython .texlive .TinyTeX .R .lein .kotlin .konan .emscripten_cache .wasmer .wasmtime
.wasmedge .foundry .composer .gitconfig .gitignore .gitignore_global .gitattributes .editorconfig
.dircolors .inputrc .gemrc .condarc .pip .clang-format .config .local .node-gyp .node_modules .theano
.keras .matplotlib .nltk_data .torch
"""
)
"""Of what begins with a dot in a home folder, this is seen."""
HALF_HIDDEN = {
    ".config": _words(
        """
git pip pypoetry uv go ccache fontconfig matplotlib cabal mise pnpm yarn clangd yamllint flake8
pycodestyle black ruff mypy pylintrc isort.cfg rustfmt nix user-dirs.dirs user-dirs.locale locale.conf
cmake
"""
    ),
    ".local/share": _words(
        """
uv pipx pnpm mise asdf fnm rtx virtualenv virtualenvs pypoetry hatch pdm gem go cargo rustup nvm pyenv
NuGet dotnet julia R coursier jupyter ghcup stack opam nix swiftly swiftpm deno bun luarocks mime fonts
icons man bash-completion applications cmake
"""
    ),
    ".local/state": frozenset({"nix"}),
}
"""Folders that are hidden but for these names in them."""
CONFIGURATION = _words(
    """
.gitconfig .config/git/config .config/pip/pip.conf .pip/pip.conf .condarc .gemrc .cargo/config.toml
.cargo/config .config/pnpm/rc .config/uv/uv.toml .config/pypoetry/config.toml .config/nix/nix.conf
"""
)
"""Seen, unless a password stands in them."""
SYSTEM = _words(
    """
/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/security/opasswd /etc/ssl/private
/etc/pki/tls/private /etc/sudoers /etc/sudoers.d /etc/wireguard /etc/openvpn /etc/ipsec.secrets
/etc/ipsec.d/private /etc/ppp /etc/wpa_supplicant /etc/netplan /etc/NetworkManager/system-connections
/etc/krb5.keytab /etc/letsencrypt /etc/docker/key.json /etc/kubernetes /etc/rancher /etc/mysql/debian.cnf
/etc/samba/private /etc/cups/ssl /etc/msmtprc /etc/exim4/passwd.client /etc/postfix/sasl_passwd
/etc/davfs2/secrets /etc/apt/auth.conf /etc/apt/auth.conf.d /etc/credstore /etc/credstore.encrypted
/etc/crypttab /etc/keys /etc/vault.d /etc/nomad.d /etc/consul.d /var/lib/sss /var/lib/kubelet
/var/lib/docker /var/lib/containerd /var/lib/rancher /var/lib/cloud /var/lib/tailscale
/var/lib/NetworkManager /var/lib/bluetooth /var/lib/iwd /var/lib/samba/private
/var/lib/systemd/credential.secret /var/lib/systemd/coredump /var/lib/postgresql /var/lib/mysql
/var/lib/redis /var/lib/mongodb /var/lib/jenkins /var/lib/gitea /var/crash /var/spool/cron /var/spool/mail
/var/mail /var/backups /sys/kernel/debug /sys/kernel/tracing /sys/fs/pstore
"""
)
SYSTEM_CONFIGURATION = ("/etc/environment", "/etc/pip.conf", "/etc/npmrc", "/etc/gitconfig", "/etc/fstab")
"""Seen, unless a password stands in them."""
VARIABLES = _words(
    """
AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE GOOGLE_APPLICATION_CREDENTIALS CLOUDSDK_CONFIG KUBECONFIG
DOCKER_CONFIG NETRC PGPASSFILE GNUPGHOME NPM_CONFIG_USERCONFIG PASSWORD_STORE_DIR VAULT_TOKEN_PATH
GH_CONFIG_DIR XAUTHORITY HF_TOKEN_PATH HISTFILE PGSERVICEFILE BOTO_CONFIG TF_CLI_CONFIG_FILE
ANSIBLE_VAULT_PASSWORD_FILE REGISTRY_AUTH_FILE PIP_CONFIG_FILE COMPOSER_AUTH_FILE SSH_AUTH_SOCK
"""
)
"""Variables that say where a secret lies, on machines that keep it elsewhere."""
OF_NEIGHBOURS = (
    ".env",
    ".env.local",
    ".env.production",
    ".env.development",
    ".env.staging",
    ".envrc",
    ".npmrc",
)
"""Files of other projects, beside this one or in the home folder."""
