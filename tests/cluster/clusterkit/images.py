"""The one image of all hosts, from Debian's packages: made once, kept as a tar below the environments' folder, known by a digest."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

from clusterkit import engine
from sandbox import paths, state

SUITE = "bookworm"
PACKAGES = ("systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "sudo", "iproute2", "ca-certificates", "rsync", "mount", "procps",
            "nginx-light", "redis-server", "mariadb-server",
            # What a Python built on this machine wants, which the hosts get as a mount.
            "libssl3", "libffi8", "libsqlite3-0", "libreadline8", "libbz2-1.0", "liblzma5", "zlib1g", "libncursesw6", "libexpat1", "libxml2", "libyaml-0-2")
# Which host runs what is decided when it starts.
SERVICES = ("nginx.service", "redis-server.service", "mariadb.service")
HOOKS = (
    'chroot "$1" systemctl disable %s' % " ".join(SERVICES),
    'chroot "$1" systemctl mask e2scrub_all.timer fstrim.timer apt-daily.timer apt-daily-upgrade.timer systemd-logind.service getty.target',
    'chroot "$1" useradd --system --user-group --create-home --home-dir /home/blueking --shell /bin/bash blueking',
    'chroot "$1" useradd --create-home --shell /bin/bash ops',
    "printf 'ops ALL=(ALL) NOPASSWD: ALL\\n' > \"$1\"/etc/sudoers.d/ops",
    # An interpreter may lie below it.
    'chmod 0711 "$1"/root',
    'printf "MaxStartups 100\\nUseDNS no\\n" > "$1"/etc/ssh/sshd_config.d/cluster.conf',
)
MAKE_SECONDS, IMPORT_SECONDS = 900, 300


def image(say=print):
    """The image's name, made and imported where it is not there."""
    digest = hashlib.sha256(repr((SUITE, PACKAGES, HOOKS)).encode()).hexdigest()[:16]
    name, folder = "localhost/ding-cluster:" + digest, paths.environments_dir() / "cluster"
    with state.locked(folder / ".lock"):
        if engine.has_image(name):
            return name
        kept = folder / ("host-%s.tar" % digest)
        if not kept.exists():
            say("making the cluster's image from Debian's packages …")
            _make(kept)
        say("importing the cluster's image …")
        engine.podman("import", str(kept), name, seconds=IMPORT_SECONDS)
    return name


def _make(kept):
    words = ["mmdebstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES)]
    for hook in HOOKS:
        words.append("--customize-hook=" + hook)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=kept.parent) as place:
        made = Path(place) / "host.tar"
        done = subprocess.run([*words, SUITE, str(made)], capture_output=True, text=True, errors="replace", timeout=MAKE_SECONDS)
        if done.returncode:
            raise engine.EngineError("mmdebstrap ended with %d: %s" % (done.returncode, done.stderr[-3000:]))
        made.rename(kept)
