"""Shell scripts for backups, with a library, a configuration and tests in shell."""

from tasks.kit import Commit, Task, call, contains, number, prints, says, sets

FIRST = {
    "README.md": "# moor\n\nBackups with a shell only.\n\n    bin/backup.sh /srv/data\n    make check\n",
    "Makefile": "check:\n\tbash tests/rotate.sh\n\nlint:\n\tshellcheck bin/*.sh lib/*.sh\n\n"
    "install:\n\tinstall -m 755 bin/*.sh /usr/local/bin\n",
    "bin/backup.sh": """#!/bin/bash
# Packs a folder into the backup folder.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"

source=${1:?which folder?}
load_config
stamp=$(date +%Y%m%d-%H%M%S)
target="$BACKUP_DIR/$(basename "$source")-$stamp.tar.$COMPRESSION"
log info "packing $source"
tar --create --auto-compress --file "$target" "$source"
if ! tar --list --file "$target" > /dev/null; then
  log error "$target cannot be read back"
  exit 4
fi
""",
    "bin/restore.sh": """#!/bin/bash
# Unpacks a backup. Refuses a target that is not empty.
set -euo pipefail
. "$(dirname "$0")/../lib/common.sh"

archive=${1:?which archive?}
target=${2:?whereto?}
if [ -n "$(ls -A "$target" 2> /dev/null)" ]; then
  log error "$target is not empty"
  exit 3
fi
mkdir -p "$target"
tar --extract --file "$archive" --directory "$target"
""",
    "bin/rotate.sh": """#!/bin/bash
# Prints which of the names on stdin are to be deleted: all but the newest KEEP.
set -euo pipefail
keep=${KEEP:-7}
sort -r | tail -n +"$((keep + 1))"
""",
    "lib/common.sh": """# Sourced by every script.

log() {
  printf '%s %s\\n' "$1" "$2" >&2
}

load_config() {
  . "${MOOR_CONFIG:-$(dirname "${BASH_SOURCE[0]}")/../etc/backup.conf}"
}

human_size() {
  # 2048 -> 2K
  numfmt --to=iec "$1"
}
""",
    "etc/backup.conf": """BACKUP_DIR=/var/backups/moor
COMPRESSION=zst
KEEP=14
MAIL_TO=ops@example.org
LOCK_TIMEOUT=90
""",
    "etc/exclude.txt": "*.tmp\n*.swp\nnode_modules/\n.cache/\nlost+found/\n*.iso\n__pycache__/\n*.o\n",
    "etc/moor.service": """[Unit]
Description=Nightly backup
After=network-online.target

[Service]
Type=oneshot
User=backup
Nice=11
ExecStart=/usr/local/bin/backup.sh /srv/data
""",
    "etc/moor.timer": """[Timer]
OnCalendar=*-*-* 03:40:00
RandomizedDelaySec=300

[Install]
WantedBy=timers.target
""",
    "tests/rotate.sh": """#!/bin/bash
set -eu
here=$(dirname "$0")/..
got=$(printf '%s\\n' a-1 a-3 a-2 | KEEP=2 "$here/bin/rotate.sh")
[ "$got" = a-1 ] || { echo "expected a-1, got: $got"; exit 1; }
echo "rotate: 1 of 1 passed"
""",
}
COMMITS = (Commit("Priya Nair", 6, "Backup, restore, rotate", FIRST),)

_LINES = sum(text.count("\n") for name, text in FIRST.items() if name.startswith("bin/"))

TASKS = (
    Task(
        "moor-find-exit",
        "find",
        "Which script exits with code 3?",
        (says(("restore.sh", "restore"), never=("backup.sh",)),),
        (call("search", pattern="exit 3"), "bin/restore.sh does, on line 10."),
    ),
    Task(
        "moor-find-load",
        "find",
        "Em que ficheiro está definida a função load_config?",
        (says("common.sh"),),
        (call("search", pattern="load_config"), "Está em lib/common.sh, linha 7."),
        language="pt",
    ),
    Task(
        "moor-read-time",
        "read",
        "At what time does our nightly backup start?",
        (says(("03:40", "3:40", "03:40:00")),),
        (call("search", pattern="OnCalendar"), "At 03:40 (etc/moor.timer)."),
    ),
    Task(
        "moor-read-user",
        "read",
        "Unter welchem Benutzer läuft der Dienst in etc/moor.service, und mit welchem Nice-Wert?",
        (says("backup", number(11)),),
        (call("read", path="etc/moor.service"), "Unter dem Benutzer backup, mit Nice 11."),
        language="de",
    ),
    Task(
        "moor-count-excluded",
        "count",
        "how many patterns are in etc/exclude.txt?",
        (says(number(8)),),
        (call("shell", command="wc -l etc/exclude.txt"), "There are 8 patterns."),
    ),
    Task(
        "moor-explain-rotate",
        "explain",
        "What does bin/rotate.sh print, and how many names does it keep when KEEP is not set?",
        (
            says(
                number(7),
                ("deleted", "delete", "removed", "remove", "deletes", "removes", "deletion", "deleting"),
            ),
        ),
        (call("read", path="bin/rotate.sh"), "The names that are to be deleted: all but the newest 7."),
    ),
    Task(
        "moor-explain-exit4",
        "explain",
        "When does bin/backup.sh exit with code 4?",
        (
            says(
                (
                    *(
                        "read back",
                        "be read",
                        "readable",
                        "unreadable",
                        "listed",
                        "list",
                        "listing",
                        "--list",
                    ),
                    *("lister", "listable", "corrupt", "corrupted", "invalid", "verified", "verify"),
                )
            ),
        ),
        (call("read", path="bin/backup.sh"), "When the archive it made cannot be read back."),
    ),
    Task(
        "moor-edit-keep",
        "edit",
        "Keep 30 backups instead of 14. It is set in etc/backup.conf",
        (sets("etc/backup.conf", {"KEEP": "30"}),),
        (call("edit", path="etc/backup.conf", old="KEEP=14", new="KEEP=30"), "KEEP is 30 now."),
        changes=("etc/backup.conf",),
    ),
    Task(
        "moor-edit-exclude",
        "edit",
        "Füge *.bak als neue Zeile zu etc/exclude.txt hinzu",
        (contains("etc/exclude.txt", "*.bak", loses=0), prints(("wc", "-l", "etc/exclude.txt"), number(9))),
        (
            call("shell", command="echo '*.bak' >> etc/exclude.txt"),
            "*.bak steht jetzt in etc/exclude.txt.",
        ),
        changes=("etc/exclude.txt",),
        language="de",
    ),
    Task(
        "moor-create-count",
        "create",
        "Write a script bin/count.sh that prints how many files lie in the folder given as its first "
        "argument (only a number, not counting subfolders).",
        (
            prints(("bash", "bin/count.sh", "etc"), exactly="4"),
            prints(
                ("bash", "bin/count.sh", "box"),
                exactly="2",
                given={"box/a": "1", "box/b": "2", "box/c/d": "3"},
            ),
        ),
        (
            call(
                "write",
                path="bin/count.sh",
                content='#!/bin/bash\nfind "$1" -maxdepth 1 -type f | wc -l\n',
            ),
            "bin/count.sh prints the number of files.",
        ),
        changes=("bin/count.sh",),
    ),
    Task(
        "moor-run-rotate",
        "run",
        "Run tests/rotate.sh and tell me what it says.",
        (says(("1 of 1", "1/1", "1 out of 1"), ("passed", "pass")),),
        (call("shell", command="bash tests/rotate.sh"), "It says: rotate: 1 of 1 passed."),
    ),
    Task(
        "moor-run-lines",
        "run",
        "How many lines do all the .sh files in bin have together? Count them with a command.",
        (says(number(_LINES)),),
        (call("shell", command="cat bin/*.sh | wc -l"), f"{_LINES} lines."),
    ),
    Task(
        "moor-steps-mail",
        "steps",
        "Look up in which file MAIL_TO is set and change the address to backup@example.org",
        (sets("etc/backup.conf", {"MAIL_TO": "backup@example.org"}),),
        (
            call("search", pattern="MAIL_TO"),
            call("edit", path="etc/backup.conf", old="ops@example.org", new="backup@example.org"),
            "MAIL_TO in etc/backup.conf is backup@example.org now.",
        ),
        changes=("etc/backup.conf",),
    ),
)
