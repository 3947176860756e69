"""podman, as far as the cluster needs it: whether it works here, images, networks, containers, commands in them."""

import os
import shutil
import subprocess
import time

# Some machines lack CAP_SYS_RESOURCE and mix cgroup versions: there crun refuses, and runc starts with these limits.
RUNTIME = ("--runtime", "runc")
# As root of a real host, root in a container looks at other users' processes.
OPTIONS = ("--cap-add", "SYS_PTRACE", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
PROGRAMS = ("podman", "runc", "mmdebstrap", "nsenter", "ssh")
SECONDS = 120


class EngineError(Exception):
    """podman or a command in a container failed; the text holds what it printed."""


def problem():
    """Why this machine cannot run the containers; "" when it can, as far as can be told without trying."""
    if os.geteuid():
        return "the containers need root"
    absent = [name for name in PROGRAMS if not shutil.which(name)]
    if absent:
        return "not installed here: %s" % ", ".join(absent)
    tried = subprocess.run(["podman", *RUNTIME, "info"], capture_output=True, text=True, timeout=SECONDS)
    return "podman does not work here: %s" % tried.stderr.strip()[-300:] if tried.returncode else ""


def podman(*words, given=None, seconds=SECONDS, check=True):
    """Runs podman; returns what it printed."""
    return _run(["podman", *RUNTIME, *words], given, seconds, check)


def _run(words, given, seconds, check):
    try:
        done = subprocess.run(words, input=given, stdin=None if given is not None else subprocess.DEVNULL, capture_output=True, text=True,
                              encoding="utf-8", errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise EngineError("%s did not end within %s s" % (" ".join(words), seconds)) from error
    if check and done.returncode:
        raise EngineError("%s ended with %d: %s%s" % (" ".join(words)[:600], done.returncode, done.stdout[-2000:], done.stderr[-2000:]))
    return done.stdout


def has_image(name):
    return subprocess.run(["podman", "image", "exists", name], timeout=SECONDS).returncode == 0


def make_network(name):
    """A bridge of the cluster's own; gives number -> an address in it."""
    podman("network", "create", "--disable-dns", name)
    subnet = podman("network", "inspect", "--format", "{{range .Subnets}}{{.Subnet}}{{end}}", name).strip()
    return lambda number: "%s.%d" % (subnet.rpartition(".")[0], number)


def remove_network(name):
    podman("network", "rm", "--force", name, check=False)


def hardware_address(address):
    """The same after a reboot: neighbours would otherwise look for the old one for up to a minute."""
    return "02:42:" + ":".join("%02x" % int(part) for part in address.split("."))


class Container:
    """One host: systemd as process 1. Container.started() makes one, Container() is one that runs already."""

    def __init__(self, name, address):
        self.name, self.address = name, address

    @classmethod
    def started(cls, name, image, network, address, ports, mounts=(), hosts=()):
        """ports: those published on 127.0.0.1. mounts: [(folder here, folder there)], read-only. hosts: [(name, address)] that it knows."""
        words = ["run", "--detach", "--systemd=always", "--name", name, "--hostname", name.rpartition("-")[2], *OPTIONS,
                 "--network", "%s:ip=%s,mac=%s" % (network, address, hardware_address(address))]
        for port in ports:
            words += ["--publish", "127.0.0.1::%d" % port]
        for here, there in mounts:
            words += ["--volume", "%s:%s:ro" % (here, there)]
        for other, where in hosts:
            words += ["--add-host", "%s:%s" % (other, where)]
        podman(*words, image, "/sbin/init")
        return cls(name, address)

    def __call__(self, *words, given=None, seconds=SECONDS, check=True):
        """Runs a command as root; returns what it printed."""
        return podman("exec", *(["--interactive"] if given is not None else []), self.name, *words, given=given, seconds=seconds, check=check)

    def shell(self, text, **options):
        return self("sh", "-ec", text, **options)

    def works(self, *words):
        return subprocess.run(["podman", *RUNTIME, "exec", self.name, *words], capture_output=True, timeout=SECONDS).returncode == 0

    def enable(self, *units):
        """Starts units, now and after a reboot."""
        self("systemctl", "daemon-reload")
        self("systemctl", "enable", "--quiet", *units)
        try:
            self("systemctl", "start", *units)
        except EngineError as error:
            raise EngineError("%s\n%s" % (error, self("journalctl", "-n", "40", "--no-pager", "-o", "cat", check=False))) from error

    def put(self, path, text, mode="0644", owner="root:root"):
        self.shell('umask 077; mkdir -p -m 0755 "$(dirname %s)"; cat > %s; chown %s %s; chmod %s %s' % (path, path, owner, path, mode, path), given=text)

    def copy(self, here, there):
        podman("cp", str(here), "%s:%s" % (self.name, there))

    def port(self, number):
        """Where a port of the container is published on 127.0.0.1."""
        return int(podman("port", self.name, str(number)).strip().rpartition(":")[2])

    def mount(self, *words):
        """Runs mount or umount inside the container with the machine's rights, which the container itself lacks.

        In its pids' namespace as well: umount looks for itself in /proc.
        """
        pid = podman("inspect", "--format", "{{.State.Pid}}", self.name).strip()
        return _run(["nsenter", "--target", pid, "--mount", "--pid", "--", *words], None, SECONDS, True)

    def wait_up(self, seconds=60):
        """Until systemd has started what it starts."""
        wait_for(lambda: self("systemctl", "is-system-running", check=False).strip() in ("running", "degraded"), seconds,
                 "systemd of %s does not come up" % self.name)

    def reboot(self):
        podman("restart", "--time", "20", self.name)
        self.wait_up()

    def remove(self):
        podman("rm", "--force", "--time", "3", self.name, check=False)


def wait_for(condition, seconds, complaint, every=0.1):
    """The condition's first true value. complaint: a text, or a function that gives one."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise EngineError("%s within %s s" % (complaint() if callable(complaint) else complaint, seconds))
        time.sleep(every)
    return value
