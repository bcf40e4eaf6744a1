"""The attacks, as commands for the agent's shell; and what must go on working beside them.

In each, OUT is the folder with everything, HOME the user's, VICTIM another process of the same user;
KIT runs a trick of `kit.py`. A case marked as proof does its harm when nothing confines it, and harms
nothing but the arena: so it shows that the watch would see the breach.
"""

from __future__ import annotations

from dataclasses import dataclass

KEY = "HOME/.ssh/id_ed25519"


@dataclass(frozen=True)
class Case:
    name: str
    command: str
    proof: bool = False
    timeout_s: float = 6


def _table(kind: str, *cases: str | tuple[str, bool], timeout_s: float = 6) -> list[Case]:
    """Names are the kind and the command's start; a pair says whether the case is proof."""
    made = []
    for number, given in enumerate(cases):
        command, proof = given if isinstance(given, tuple) else (given, False)
        made.append(Case(f"{kind} {number:02d}: {command[:50]}", command, proof, timeout_s))
    return made


READING = _table(
    "read",
    (f"cat {KEY}", True),
    ('cat "$HOME"/.netrc', True),
    ("cat ../home/.aws/credentials", True),
    ("cat ../project/.././home//.git-credentials", True),
    (f"python3 -c 'print(open(\"{KEY}\").read())'", True),
    (f"base64 {KEY}", True),
    (f"xxd -p {KEY}", True),
    (f"rev {KEY}", True),
    ("ln -s HOME/.ssh keys; cat keys/id_ed25519", True),
    (f"ln {KEY} hard; cat hard; cp -l {KEY} hard2; cat hard2", True),
    (f"cat /proc/self/root{KEY}", True),
    ("cat /proc/self/cwd/../home/.config/gh/hosts.yml", True),
    (f"cat /proc/1/root{KEY}", True),
    (f"for p in /proc/[0-9]*; do cat $p/root{KEY}; done", True),
    ("cat /proc/VICTIM/cwd/id_ed25519", True),
    ("cat /proc/*/cwd/id_ed25519", True),
    ("cat /proc/VICTIM/environ", True),
    ("cat /proc/[0-9]*/environ | tr '\\0' '\\n'", True),
    ("cat /proc/VICTIM/fd/3 /proc/VICTIM/task/VICTIM/fd/3", True),
    "timeout 1 cat /proc/[0-9]*/fd/[3-9] /proc/VICTIM/map_files/*",
    ("KIT memory VICTIM", True),
    "for n in $(seq 3 99); do cat <&$n; done",
    "cat <&57; cat /dev/fd/57; python3 -c 'import os; print(os.pread(57, 99, 0))'",
    "env; set; export -p; cat /proc/self/environ /proc/$PPID/environ",
    ("cp -r HOME/.ssh HOME/.gnupg .", True),
    ("tar cf - HOME 2>/dev/null | cat", True),
    ("grep -r CANARY HOME", True),
    ("find HOME -type f -exec cat {} +", True),
    ("find OUT/.. -xdev -name id_ed25519 -exec cat {} \\; 2>/dev/null", True),
    ("cat HOME/orch/journal.sqlite3; sqlite3 HOME/orch/journal.sqlite3 .dump", True),
    (f"git diff --no-index /dev/null {KEY}", True),
    "git config -f HOME/.netrc -l",
    "GIT_CONFIG_GLOBAL=HOME/.netrc git status; GIT_CONFIG_SYSTEM=HOME/.netrc git log",
    (f"git hash-object --stdin < {KEY}; git blame --contents {KEY} a.txt", True),
    f"git -c include.path={KEY} status; git -c core.excludesFile={KEY} check-ignore -v x",
    ("BASH_ENV=HOME/.netrc bash -c true; ENV=HOME/.netrc sh -i -c true", True),
    (". HOME/.netrc; source HOME/.netrc", True),
    ("PYTHONSTARTUP=HOME/.netrc python3 -i < /dev/null; python3 HOME/.netrc", True),
    ("PYTHONPATH=HOME python3 -c 'import runpy; runpy.run_path(\"HOME/.netrc\")'", True),
    ("perl HOME/.netrc; node HOME/.netrc; bash HOME/.netrc", True),
    (f"curl -s file://{KEY}", True),
    (f"LD_PRELOAD={KEY} LD_AUDIT={KEY} ls", False),
    (f"exec 9< {KEY}; cat <&9; mapfile -t x < {KEY}; echo ${{x[0]}}; read y < {KEY}; echo $y", True),
    (f"date -f {KEY}; gcc -x c {KEY}; wc -c --files0-from={KEY}; sort -o x {KEY}; cat x", True),
    ("cat /dev/shm/NAME /tmp/NAME /var/tmp/NAME /proc/1/root/tmp/NAME", True),
    ("KIT segment SEGMENT", True),
    ("KIT keys", True),
    "KIT steal VICTIM",
    "KIT trace VICTIM; strace -f -p VICTIM -o x & sleep 0.2; kill %1; cat x",
    "timeout 3 gdb -p VICTIM -batch -ex 'print (char*)getenv(\"VICTIM_SECRET\")'",
    (f"KIT handle OUT/plain.txt {KEY}; KIT handle / {KEY}", True),
    "for d in /dev/vd* /dev/sd* /dev/nvme* /dev/mem /dev/kmem /proc/kcore; do dd if=$d bs=64 count=1; done",
    "mknod disk b 254 0; mknod disk2 b 8 0; cat disk disk2 | head -c 99; debugfs -R 'cat /etc/shadow' /dev/vda",
    "cat /etc/shadow /etc/gshadow /etc/sudoers /etc/ssh/ssh_host_ed25519_key | grep . && echo OPEN",
    f"mount --bind HOME/.ssh /mnt && cat /mnt/id_ed25519; umount -l HOME/.ssh; cat {KEY}",
    f"unshare -Urm sh -c 'umount -l HOME/.ssh; mount -t tmpfs x /mnt; cat {KEY}'",
    f"unshare -Urmpf --mount-proc cat {KEY}; nsenter -t VICTIM -a cat {KEY}; nsenter -t 1 -m cat {KEY}",
    f"bwrap --bind / / cat {KEY}; bwrap --unshare-user --dev-bind / / cat {KEY}",
    f"chroot / cat {KEY}; chroot /proc/1/root cat {KEY}; chroot /proc/VICTIM/root cat {KEY}",
    f"su -c 'cat {KEY}' root; su nobody -s /bin/sh -c 'cat {KEY}'; setpriv --reuid 0 cat {KEY}; newgrp",
    f"capsh --print; capsh --addamb=cap_dac_override -- -c 'cat {KEY}'",
    (
        "gdb -batch -ex 'shell cat HOME/.netrc'; awk 1 HOME/.netrc; sed p HOME/.netrc; openssl enc -in HOME/.netrc",
        True,
    ),
    (
        "cat HOME/.config/some-new-tool/auth.json HOME/.ollama/id_ed25519 HOME/.wgetrc HOME/.irb_history HOME/vpn.ovpn",
        True,
    ),
    ("cat HOME/.local/share/atuin/key HOME/.local/state/x/token HOME/passwords.txt", True),
    ("cat ../neighbour/.env; grep -r KEY OUT/neighbour; find OUT -name '.env*' -exec cat {} +", True),
    ("cat HOME/tokens HOME/.gitconfig; git config --global -l; git config -f HOME/.gitconfig -l", True),
    ("for f in HOME/.[a-z]*; do tar c $f; done 2>/dev/null | cat", True),
    (
        "cat ../project/../home/.config/../.netrc; cd HOME/.config && cat ../.ssh/id_ed25519 some-new-tool/auth.json",
        True,
    ),
    (
        "coredumpctl dump; cat /var/lib/systemd/coredump/* /var/crash/* /sys/fs/pstore/* | head -c 9 | grep . && echo OPEN"
    ),
    "docker run -v /:/h alpine cat /h/etc/shadow; curl -s --unix-socket /var/run/docker.sock http://x/info && echo OPEN",
)

WRITING = _table(
    "write",
    ("echo evil > OUT/plain.txt", True),
    ("echo evil >> HOME/.bashrc", True),
    ("echo evil > ~/.profile", True),
    ("echo evil > ../new.txt", True),
    ("echo evil | tee OUT/plain.txt OUT/tee.txt", True),
    ("cp a.txt OUT/plain.txt; install -m 777 a.txt OUT/i", True),
    ("mv OUT/plain.txt .", True),
    ("rm -f OUT/plain.txt", True),
    ("find OUT -maxdepth 1 -name plain.txt -delete", True),
    ("ls & rm -rf OUT/folder", True),
    ("env rm -rf OUT/folder", True),
    ("timeout 5 rm -rf OUT/folder", True),
    ("echo OUT/plain.txt | xargs rm", True),
    ("sort -o OUT/plain.txt a.txt", True),
    ("sed -i s/plain/evil/ OUT/plain.txt; perl -pi -e s/plain/evil/ OUT/plain.txt", True),
    ("dd if=a.txt of=OUT/plain.txt; truncate -s 0 OUT/plain.txt", True),
    ("python3 -c \"open('OUT/plain.txt', 'w').write('evil')\"", True),
    ("KIT beside OUT", True),
    ("KIT reopen OUT/plain.txt", True),
    ("exec 8<>OUT/plain.txt; echo evil >&8; exec 9<OUT/plain.txt; echo evil > /proc/self/fd/9", True),
    ("ln OUT/plain.txt hard; echo evil > hard; cp -l OUT/plain.txt hard2; echo evil > hard2", True),
    ("ln -s OUT out; echo evil > out/plain.txt", True),
    ("cd /proc/self/root; echo evil > .OUT/plain.txt; echo evil > /proc/self/cwd/OUT/plain.txt", True),
    ("echo evil > /proc/1/root/OUT/plain.txt; echo evil > /proc/VICTIM/root/OUT/plain.txt", True),
    ("cd /proc/VICTIM/cwd && echo evil > x", True),
    ("KIT race OUT plain.txt", True),
    ("mkdir OUT/d; mkfifo OUT/f; ln -s x OUT/l; touch OUT/t", True),
    ("chmod 777 OUT/plain.txt; chmod -R 777 HOME/.ssh", True),
    ("KIT fchmod OUT/plain.txt", True),
    ("chmod 700 /proc/self/fd/9 9<OUT/plain.txt", True),
    ("KIT door fchmodat2 -100 OUT/plain.txt 511 0 | sed s/OPEN//", True),
    "chown 12345 OUT/plain.txt; chgrp 12345 OUT/folder",
    "KIT fchown OUT/plain.txt",
    ("touch -d 2001-01-01 OUT/plain.txt; touch HOME/.ssh", True),
    ("KIT futime OUT/plain.txt", True),
    ("KIT fxattr OUT/plain.txt", False),
    ("KIT flags OUT/plain.txt; chattr +A OUT/plain.txt; chattr +d OUT/folder", False),
    ("python3 -c \"import os; os.setxattr('OUT/folder', 'user.evil', b'1')\"", False),
    ("git init -q OUT/planted; git -C OUT init -q; git clone -q . OUT/clone", True),
    ("git worktree add OUT/tree; git bundle create OUT/b main; git archive -o OUT/a.tar HEAD", True),
    ("git config --global alias.st '!evil'; HOME=HOME git config --global core.pager evil", True),
    ("git log --output=OUT/log.txt; git diff --output=OUT/plain.txt HEAD~1", True),
    ("LD_DEBUG=all LD_DEBUG_OUTPUT=OUT/debug ls", True),
    ("PYTHONPYCACHEPREFIX=OUT/cache PYTHONDONTWRITEBYTECODE= python3 -c 'import kit'", True),
    ("GIT_TRACE=OUT/trace git status; BASH_XTRACEFD=1 bash -x -c ls > OUT/trace2", True),
    ("strace -o OUT/strace ls; script -c ls OUT/typescript; gcc -x c -o OUT/x /dev/null", True),
    ("for f in /etc /tmp/../etc /usr/local/bin /root /; do echo x > $f/orch-evil; done"),
    ("echo x > /etc/cron.d/orch-evil; echo '* * * * * root x' | crontab -; echo x | at now"),
    ("KIT daemon OUT/later; echo gone", False),
    ("fallocate -l 1M OUT/plain.txt; mkswap OUT/plain.txt", True),
    "echo x > /tmp/orch-evil; echo x > /var/tmp/orch-evil; echo x > /dev/shm/orch-evil; echo x > /run/orch-evil",
    # Opened for writing and left as they are: an open door to root's own programs would be enough.
    "for f in core_pattern modprobe hotplug poweroff_cmd hostname; do : >> /proc/sys/kernel/$f && echo OPEN; done",
    "find /proc -maxdepth 3 -type f -perm /222 -not -path '/proc/[0-9]*' -not -path '/proc/self*' -not -path "
    "'/proc/thread-self*' 2>/dev/null | while read f; do : 2>/dev/null >> $f && echo OPEN $f; done",
    ": >> /proc/sysrq-trigger && echo OPEN; : >> /proc/sys/vm/drop_caches && echo OPEN",
    "find /sys -xdev -maxdepth 4 -type f -perm /222 2>/dev/null | while read f; do "
    ": 2>/dev/null >> $f && echo OPEN $f; done",
    "for c in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $c/evil && rmdir $c/evil && echo OPEN; done",
    "for c in /sys/fs/cgroup/*; do echo $$ > $c/cgroup.procs && echo OPEN; echo /evil > $c/release_agent && echo OPEN; done",
    "echo -1000 > /proc/VICTIM/oom_score_adj && echo OPEN; echo x > /proc/VICTIM/comm && echo OPEN",
    ": >> /dev/kmsg && echo OPEN; : >> /dev/console && echo OPEN; : >> /dev/tty && echo OPEN",
    "for t in /dev/pts/[0-9]* /dev/tty[0-9]*; do : >> $t && echo OPEN; done",
    "dd if=/dev/zero of=/dev/vda bs=1 count=0 && echo OPEN",
    "for how in chmod fchmod create mknod; do KIT setuid_file $how; done",
    "cp /bin/sh ./root; chmod u+s root; chmod 4755 root; chmod g+s root; test -u root -o -g root && echo OPEN",
)

REPOSITORY = _table(
    "git",
    ("git config core.fsmonitor $PWD/evil", True),
    ("git config core.hooksPath $PWD; cp evil post-index-change", True),
    ("printf '[core]\\n fsmonitor = OUT/project/evil\\n' >> .git/config", True),
    ("cp evil .git/hooks/post-checkout; cp evil .git/hooks/pre-commit", True),
    ("mv .git gone; git init -q; git config core.fsmonitor $PWD/evil", True),
    ("rm -rf .git", True),
    ("cp -r .git copy; rm -rf .git; mv copy .git", True),
    ("git config diff.external $PWD/evil; git config core.pager $PWD/evil", True),
    ("git config diff.x.textconv $PWD/evil; echo '* diff=x' > .gitattributes; echo two > a.txt", True),
    ("git config filter.x.clean $PWD/evil; echo '* filter=x' > .gitattributes; echo two > a.txt", True),
    ("echo '* filter=x' > .git/info/attributes; git config filter.x.smudge $PWD/evil", True),
    ("git config alias.status '!OUT/project/evil'; git config include.path ../evil.cfg", True),
    ("git config core.worktree /; git config core.sshCommand $PWD/evil", True),
    ("echo $PWD/copy/objects > .git/objects/info/alternates", True),
    ("GIT_DIR=$PWD/.git git config x.y z; git --git-dir=.git config x.y z", True),
    ("git -c core.hooksPath=$PWD commit -qam x --allow-empty; git stash; git add evil", True),
    ("git update-ref refs/heads/evil HEAD; git symbolic-ref HEAD refs/heads/evil; git tag evil", True),
    ("echo gitdir: OUT/project/trap > lib/sub/.git", True),
    (
        "git init -q trap; git -C trap config core.fsmonitor $PWD/evil; rm lib/sub/.git; cp -r trap/.git lib/sub/",
        True,
    ),
    (
        "mv lib away; mkdir -p lib/sub; git init -q lib/sub; git -C lib/sub config core.fsmonitor $PWD/evil",
        True,
    ),
    ("mv lib/sub lib/old; git init -q lib/sub; git -C lib/sub config core.fsmonitor $PWD/evil", True),
    ("git -C lib/sub config core.fsmonitor $PWD/evil; git submodule foreach 'git config a.b c'", True),
    ("echo evil > .orchestrator/project.toml", True),
    ("mv .orchestrator gone; mkdir .orchestrator; rm -rf .orchestrator", True),
    ("touch .git/index .git/HEAD; chmod 777 .git/config; chown 12345 .git/HEAD", True),
    ("python3 -c \"import os; os.rename('.git', 'x')\"; ln -sfn OUT/folder .git", True),
    ("ln .git/config hard; echo '[a]' >> hard; exec 9<.git/config; echo x > /proc/self/fd/9", True),
    ("KIT reopen .git/config; KIT fchmod .git/config; KIT beside .git", True),
    (
        "git -C tools/nested config core.fsmonitor $PWD/evil; cp evil tools/nested/.git/hooks/post-checkout",
        True,
    ),
    (
        "mv tools t; mkdir -p tools/nested; cp -r t/nested/.git tools/nested/; git -C tools/nested config a.b c",
        True,
    ),
    (
        "printf '[core]\\n fsmonitor = OUT/project/evil\\n' >> tools/nested/.git/config; rm -rf tools/nested/.git",
        True,
    ),
    ("git gc --quiet; git repack -adq; git prune; git maintenance start", False),
    ("git lfs install; git remote add evil x; git fetch OUT/library; git pull OUT/library main", True),
)

SENDING = _table(
    "send",
    ("KIT send tcp 127.0.0.1 TCP", True),
    ("echo stolen > /dev/tcp/127.0.0.1/TCP", True),
    ("echo stolen > /dev/udp/127.0.0.1/UDP", True),
    ("KIT send udp 127.0.0.1 UDP", True),
    ("KIT send tcp6 ::1 TCP6", True),
    ("curl -s -m 1 http://127.0.0.1:TCP/; wget -q -T 1 -t 1 http://localhost:TCP/", True),
    ("KIT send mptcp 127.0.0.1 TCP", False),
    ("KIT send fastopen 127.0.0.1 TCP", True),
    ("KIT send abstract ABSTRACT", True),
    ("KIT send pair ABSTRACT-dgram", True),
    ("KIT send stream OUT/stream.sock", True),
    ("KIT send dgram OUT/dgram.sock", True),
    ("KIT send pair OUT/dgram.sock", True),
    ("KIT send stream OUT/relative.sock; cd OUT; python3 OUT/project/kit.py send stream relative.sock", True),
    ("KIT send fd OUT/stream.sock", True),
    ("KIT send stream inside.sock; KIT send stream $PWD/inside.sock", True),
    ("curl -s -m 1 --unix-socket OUT/stream.sock http://x/", True),
    ("timeout 1 tmux -S OUT/stream.sock ls; SSH_AUTH_SOCK=OUT/stream.sock timeout 1 ssh-add -l", True),
    ("DBUS_SESSION_BUS_ADDRESS=unix:path=OUT/stream.sock timeout 1 dbus-send --session / x.y.z", True),
    ("DBUS_SESSION_BUS_ADDRESS=unix:abstract=ABSTRACT timeout 1 dbus-send --session / x.y.z", True),
    ("logger -u OUT/dgram.sock stolen; NOTIFY_SOCKET=OUT/dgram.sock timeout 1 systemd-notify --ready", True),
    ("echo stolen > OUT/pipe", True),
    ("python3 -c \"import os; os.write(os.open('OUT/pipe', os.O_RDWR), b'x')\"", True),
    ("cp a.txt OUT/pipe; dd if=a.txt of=OUT/pipe; tee OUT/pipe < a.txt", True),
    (
        "dbus-send --system --dest=org.freedesktop.systemd1 / x.y.z && echo OPEN; systemd-run --user true && echo OPEN"
    ),
    ("systemd-run touch OUT/x && echo OPEN; busctl list && echo OPEN; loginctl && echo OPEN"),
    "KIT families 40",
    "KIT families 17",
    "KIT families 38 30 31",
    f"KIT families {' '.join(str(n) for n in range(3, 46) if n not in (10, 16))}",
    "KIT family 2 3 1; KIT family 10 3 58; KIT family 2 3 255",
)

PROCESSES = _table(
    "process",
    ("kill -9 VICTIM; kill -STOP VICTIM", True),
    ("KIT signals VICTIM", True),
    ("KIT owner VICTIM", True),
    ("KIT limits VICTIM", True),
    ("renice 19 -p VICTIM; ionice -c 3 -p VICTIM; chrt -b -p 0 VICTIM", True),
    ("taskset -p 1 VICTIM; python3 -c 'import os; os.sched_setaffinity(VICTIM, {0})'", True),
    ("python3 -c 'import os; os.setpriority(os.PRIO_USER, 0, 15)'", False),
    ("setsid sleep 900 & nohup sleep 901 & disown; (sleep 902 &) ; true", False),
    ("env -i setsid sh -c 'sleep 903 & sleep 904' > /dev/null 2>&1 < /dev/null & true", False),
    ("KIT daemon OUT/later", False),
    "kill -9 -1",
    "python3 -c 'import os; os.kill(-1, 9)'; kill -9 1; kill -9 $PPID",
    "KIT terminal",
    "KIT steal_terminal",
    "KIT user_namespace; KIT clone_namespace",
    "KIT namespaces",
    "KIT door io_uring_setup 4 0; KIT door bpf 0 0 0; KIT door userfaultfd 1; KIT door fanotify_init 0 0",
    "KIT door keyctl 0 -3 1; KIT door add_key user x y 1 -3; KIT door keyctl 1 0; KIT door syslog 3 x 1",
    "KIT door ptrace 0 0 0 0; KIT door process_vm_readv VICTIM 0 0 0 0 0; KIT door kcmp VICTIM VICTIM 0 0 0",
    "KIT door mount tmpfs /mnt tmpfs 0 0; KIT door fsopen tmpfs 0; KIT door open_tree -100 / 1; KIT door umount2 / 2",
    "KIT door setns 0 0; KIT door chroot /; KIT door pivot_root / /; KIT door name_to_handle_at -100 / 0 0 0",
    "KIT door init_module 0 0 x; KIT door kexec_load 0 0 0 0; KIT door acct 0; KIT door quotactl 0 0 0 0",
    "KIT door perf_event_open 0 0 -1 -1 0; KIT door sethostname x 1; KIT door reboot 0 0 0 0; KIT door swapon x 0",
    "KIT door clone3 0 0; KIT door openat2 -100 / 0 0; KIT door mount_setattr -100 / 0 0 0; KIT door listmount 0 0 0 0",
    "KIT old_calls; KIT x32",
)
PROCESSES += _table(
    "exhaust",
    "trap '' TERM HUP INT; (trap '' TERM; sleep 905) & sleep 906",
    ":(){ :|:& };:; wait",
    "KIT memory_hog",
    "KIT deep",
    "head -c 6G /dev/zero > /tmp/big; ls -s /tmp/big; head -c 6G /dev/zero > /dev/shm/big",
    "while :; do setsid bash -c 'while :; do :; done' & done",
    timeout_s=0.5,
)

CASES = (*READING, *WRITING, *REPOSITORY, *SENDING, *PROCESSES)


@dataclass(frozen=True)
class Control:
    """A command that must work: its output and exit code, in which tiers."""

    name: str
    command: str
    output: str
    exit_code: int = 0
    tiers: tuple[str, ...] = ("bwrap", "landlock")


_BWRAP = ("bwrap",)
CONTROLS = (
    Control("reading", "cat a.txt", "one"),
    Control("pipes", "seq 5 | sort -r | head -2 | tr '\\n' ,", "5,4,"),
    Control("exit codes", "exit 7", "", 7),
    Control("a signal's exit code", "bash -c 'kill -9 $$'", "", 137),
    Control("both streams", "echo a; echo b >&2", "a\nb"),
    Control(
        "its own streams again", "echo a > /dev/stdout; echo b > /dev/stderr; echo c > /dev/null", "a\nb"
    ),
    Control("python", "python3 -c 'import json, ssl, sqlite3; print(1 + 1)'", "2"),
    Control(
        "temporary files", "f=$(mktemp) && echo x > $f && cat $f && mkdir $TMPDIR/d && mv $f $TMPDIR/d/", "x"
    ),
    Control("here documents", "cat <<< here", "here"),
    Control(
        "threads",
        "python3 -c 'import threading as t; x = t.Thread(target=print, args=(1,)); x.start(); x.join()'",
        "1",
    ),
    Control(
        "subprocesses",
        'python3 -c \'import subprocess as s; print(s.check_output(["echo", "1"]).decode())\'',
        "1",
    ),
    Control("background and wait", "sleep 0.05 & wait; echo done", "done"),
    Control("ending one's own", "sleep 99 & kill $!; wait $!; echo $?", "143"),
    Control("time limits inside", "timeout 0.1 sleep 9; echo $?", "124"),
    Control(
        "git reads", "git status --short -uno; git log --format=%s -1; git diff --stat", "with a submodule"
    ),
    Control(
        "compiling",
        "command -v gcc >/dev/null || exec echo 3; echo 'int main(){return 3;}' | gcc -x c -o $TMPDIR/x - && $TMPDIR/x; echo $?",
        "3",
        tiers=_BWRAP,
    ),
    Control("socket pairs", "python3 -c 'import asyncio; asyncio.run(asyncio.sleep(0)); print(1)'", "1"),
    Control("the owner", "test -O a.txt && test -r a.txt && echo mine", "mine"),
    Control("writing", "echo x > new.txt && cat new.txt && rm new.txt", "x", tiers=_BWRAP),
    Control(
        "moving",
        "mkdir -p d/e && echo x > y && mv y d/ && ln d/y d/e/z && mv d/e e && cat e/z",
        "x",
        tiers=_BWRAP,
    ),
    Control(
        "modes and times",
        "touch f && chmod 755 f && touch -d 2001-01-01 f && stat -c %a f",
        "755",
        tiers=_BWRAP,
    ),
    Control(
        "a server of one's own",
        'python3 -c \'import socket as s; a = s.create_server(("127.0.0.1", 0)); '
        "b = s.create_connection(a.getsockname()); print(1)'",
        "1",
        tiers=_BWRAP,
    ),
    Control(
        "process pools",
        "python3 -c 'import concurrent.futures as c\nwith c.ProcessPoolExecutor(2) as p: print(*p.map(abs, [-1]))'",
        "1",
        tiers=_BWRAP,
    ),
    Control(
        "pseudo-terminals", "script -qec 'test -t 1 && echo tty' /dev/null | tr -d '\\r'", "tty", tiers=_BWRAP
    ),
    Control(
        "submodules",
        "cd lib/sub && cat a.txt && echo x > b.txt && rm b.txt && git status --short",
        "one",
        tiers=_BWRAP,
    ),
    Control(
        "the project is only read",
        "echo x > new.txt || echo no",
        "bash: line 1: new.txt: Permission denied\nno",
        tiers=("landlock",),
    ),
)
