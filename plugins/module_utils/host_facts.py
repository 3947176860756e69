# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Gathers what preflight.py judges: looks at one host, its ESB, and what it can reach. Nothing is changed, every wait has a limit."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import email.utils
import fcntl
import grp
import io
import json
import os
import pwd
import struct
import subprocess
import threading
import time

from ansible.module_utils.common.text.converters import to_native, to_text

from ansible_collections.ding.blueking.plugins.module_utils import (
    apis_tree, conf_block, esb_inside, health, host_health, original, outboxes, processes, service_host, service_unit, swap)
from ansible_collections.ding.blueking.plugins.module_utils.consul import Consul
from ansible_collections.ding.blueking.plugins.module_utils.esb_api import CALLER, Refusal
from ansible_collections.ding.blueking.plugins.module_utils.web import Http, urlsplit
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.usermgr import UserManagement

# What the channel uses when nothing is stored.
DINGTALK_URLS = ("https://oapi.dingtalk.com", "https://api.dingtalk.com")
COMMAND_SECONDS = 20
HTTP_SECONDS = 10
READ_ONLY = 1
# linux/fs.h: FS_IOC_GETFLAGS for this machine's size of a long, and the flag that `chattr +i` sets.
GET_FLAGS = (2 << 30) | (struct.calcsize("l") << 16) | (ord("f") << 8) | 1
IMMUTABLE = 0x10


def gather(esb, params):
    """All facts of this host. esb: an esb_python.Esb, whose words are changed to those of a container where the ESB is in one."""
    facts = dict(esb_home=esb.home, esb_present=os.path.isfile(os.path.join(esb.home, "manage.py")), generation=host_health.generation(esb.home))
    facts.update(versions(esb.home, params))
    facts["src_apis"] = os.path.isdir(os.path.join(params["src_home"], "open_paas", "esb", "components", "generic", "apis"))
    facts.update(user(esb))
    facts.update(runtime(params))
    if facts["runtime"] == "docker" and not facts["container_problem"]:
        facts.update(container(esb, params))
    facts["esb_python"], facts["esb_inner_home"] = esb.words, esb.inner_home
    facts.update(inside(esb, facts, params))
    facts.update(disk(esb, params))
    facts.update(package(esb.generic, params["replace_original"]))
    facts.update(service(esb, params))
    facts["ding_service"] = ding_service(esb, facts, params)
    facts.update(restarting(facts, params))
    facts.update(draining(params))
    facts.update(outside(params))
    return facts


def versions(home, params):
    """paas_version, esb_version and the file in which the first should be; the running copy of PaaS may have one, too."""
    path = os.path.join(params["src_home"], "open_paas", "VERSION")
    found = params["paas_version"] or line(path) or line(os.path.join(os.path.dirname(home), "VERSION")) or params["controller_version"]
    return dict(version_file=path, paas_version=found or None, esb_version=line(os.path.join(home, "VERSION")) or None)


def user(esb):
    """user, group, whether this process may work as that user."""
    facts = dict(user=None, group=None, running_as=name_of(os.geteuid()))
    try:
        found = esb.user()
    except Problem as problem:
        return dict(facts, user_problem=to_text(problem), allowed=True)
    try:
        group = grp.getgrgid(found.pw_gid).gr_name
    except KeyError:
        group = "%d" % found.pw_gid
    return dict(facts, user=found.pw_name, group=group, allowed=os.geteuid() in (0, found.pw_uid))


def runtime(params, run=None):
    """runtime (systemd, docker, command or None), unit, container_problem."""
    run = run or command
    wanted, unit = params["runtime"], {}
    if wanted in ("auto", "systemd") and params["unit"]:
        unit = unit_facts(params["unit"], run)
        if wanted == "systemd" or unit.get("active") == "active":
            return dict(runtime="systemd", unit=unit)
    if wanted in ("auto", "docker") and params["container"]:
        code, said = run([params["engine"], "exec", "-i", params["container"], "true"])
        if wanted == "docker" or code == 0:
            return dict(runtime="docker", unit=unit, container_problem=said if code else "")
    if wanted == "auto":
        return dict(runtime="systemd" if unit.get("load") == "loaded" else None, unit=unit)
    return dict(runtime=wanted, unit=unit)


def unit_facts(unit, run):
    """{load, active, user, can_reload, main_pid (None without one)} of a unit; {} without systemd."""
    wanted = ["-p", "LoadState", "-p", "ActiveState", "-p", "User", "-p", "CanReload", "-p", "MainPID"]
    code, said = run(["systemctl", "show", "--no-pager"] + wanted + ["--", unit])
    values = dict(each.split("=", 1) for each in said.splitlines() if "=" in each) if code == 0 else {}
    if not values:
        return {}
    return dict(load=values.get("LoadState"), active=values.get("ActiveState"), user=values.get("User") or None,
                can_reload=values.get("CanReload") == "yes", main_pid=number(values.get("MainPID")))


def container(esb, params, run=None):
    """Lets `esb` speak with the Python of the container. main_pid, and inner_home_problem where it does not see the host's ESB.

    The platform's installer mounts <home>/open_paas at /data/bkce/open_paas, whatever the host's home is.
    """
    if not esb.in_container:
        esb.words = [params["engine"], "exec", "-i", params["container"], "python"]
    code, said = (run or command)([params["engine"], "inspect", "--format", "{{json .State.Pid}} {{json .Mounts}}", params["container"]])
    pid, mounts = said.partition(" ")[::2]
    try:
        mounts = dict((each["Source"], each["Destination"]) for each in json.loads(mounts) or []) if code == 0 else {}
    except (KeyError, TypeError, ValueError):
        return dict(main_pid=number(pid))
    if mounts and esb.inner_home == esb.home:
        inner = inside_mounts(os.path.realpath(esb.home), mounts) or inside_mounts(esb.home, mounts)
        if not inner:
            return dict(main_pid=number(pid), inner_home_problem="no folder of this host that holds %s is mounted in it" % esb.home)
        esb.inner_home = inner
    return dict(main_pid=number(pid))


def inside_mounts(path, mounts):
    """The path as the container sees it, by the mount that lies next above it; None without one."""
    above = [source for source in mounts if (path + "/").startswith(source.rstrip("/") + "/")]
    if not above:
        return None
    source = max(above, key=len)
    return os.path.normpath(os.path.join(mounts[source], os.path.relpath(path, source)))


def inside(esb, facts, params):
    """The ESB's own Python: its version, Django's, whether the site's conf.py can be imported."""
    nothing = dict(esb_python_version=None, django_version=None)
    if not facts["esb_present"] or facts.get("user_problem") or not facts["allowed"] or facts.get("container_problem"):
        return nothing
    try:
        found = esb.call("esb_inside.platform", {}, [esb_inside])
    except Problem as problem:
        return dict(nothing, python_problem=to_text(problem))
    return dict(esb_python_version=found["python"], django_version=found["django"], conf_problem=found["conf_problem"], channels=found["channels"],
                settings_kept=kept(found["ways"], params))


def kept(stored, params):
    """Names of the channel's stored settings that lead elsewhere than the given ones, which leave them: what is usual is not stored."""
    urls = params["dingtalk_urls"] or []
    names = [name for name, given, usual in zip(("oapi_url", "api_url"), urls, DINGTALK_URLS) if given == usual and stored.get(name, usual) != usual]
    return names + (["proxy"] if urls and stored.get("proxy") and not params["proxy"] else [])


def disk(esb, params):
    """free_mb and free_inodes by path, and what cannot be written to."""
    facts = dict(free_mb={}, free_inodes={}, not_writable={})
    for path in [params["backup_dir"]] + [each for each in (esb.generic, esb.logs) if os.path.isdir(each)]:
        found = os.statvfs(existing(path))
        facts["free_mb"][path] = found.f_bavail * found.f_frsize // (1024 * 1024)
        facts["free_inodes"][path] = found.f_favail if found.f_files else None
    places = [params["backup_dir"]] + ([esb.generic, esb.apis] if os.path.isdir(esb.home) else [])
    for path in places:
        reason = not_writable(path if path != params["backup_dir"] else existing(path))
        if reason:
            facts["not_writable"][path] = reason
    return facts


def not_writable(path):
    """Why this user cannot write into a folder; "" when it can."""
    if not os.path.isdir(path):
        return "it is not a folder" if os.path.lexists(path) else "it is not there"
    if os.statvfs(path).f_flag & READ_ONLY:
        return "it is on a file system that is mounted read-only"
    if not os.access(path, os.W_OK | os.X_OK):
        return "user %s may not" % name_of(os.geteuid())
    return "it is immutable (chattr +i)" if immutable(path) else ""


def immutable(path):
    try:
        handle = os.open(path, os.O_RDONLY)
        try:
            return bool(struct.unpack("l", fcntl.ioctl(handle, GET_FLAGS, struct.pack("l", 0)))[0] & IMMUTABLE)
        finally:
            os.close(handle)
    except (IOError, OSError, struct.error):
        return False


def package(generic, replace_original):
    """What of ours, and of the manual release, lies there: package_version, original_release, original_problem, package_problems, pending."""
    apis = os.path.join(generic, "apis")
    facts = dict(package_version=host_health.package_version(apis), original_release=[], original_problem="", package_problems=[], pending=False)
    if not os.path.isdir(apis):
        return facts
    view = apis_tree.View(generic)
    try:
        facts["pending"] = bool(swap.pending(generic))
        tree = view.tree("apis", original.reads)
        facts["original_release"] = original.found_in(tree)
        conf_block.is_current(tree["conf.py"].content if "conf.py" in tree else None)
        if facts["original_release"] and replace_original:
            original.plan(tree)
    except conf_block.DamagedBlock as problem:
        facts["package_problems"].append("%s: %s" % (os.path.join(apis, "conf.py"), to_text(problem)))
    except Problem as problem:
        facts["original_problem" if facts["original_release"] else "package_problems"] = (
            to_text(problem) if facts["original_release"] else [to_text(problem)])
    except (IOError, OSError) as error:
        facts["package_problems"].append("%s cannot be read: %s." % (error.filename or apis, os.strerror(error.errno)))
    return facts


def service(esb, params):
    """The ESB as it answers now: the picture before the change, and whether the app's credentials are good."""
    facts = dict(processes=None, healthz=None, stale=False)
    if not params["url"]:
        return facts
    try:
        host = host_health.HostHealth(esb, params["url"], dict((name, params[name]) for name in ("app_code", "app_secret", "username")))
        answer = health.ping(host.ping())
    except Problem as problem:
        answer = dict(ok=False, text=to_text(problem).rstrip("."))
    if not answer["ok"]:
        return dict(facts, ping_problem=answer["text"])
    if params["health"]:
        facts.update(picture(host))
    if params["app_code"] and params["app_secret"]:
        facts.update(credentials(host))
    return facts


def picture(host):
    facts = {}
    try:
        facts["processes"] = host.processes()
        facts["stale"] = bool(processes.older_than(host.package_time(), facts["processes"]))
        if not facts["processes"]:
            facts["processes_problem"] = "no process of this host listens on that port"
    except Problem as problem:
        facts["processes_problem"] = to_text(problem).rstrip(".")
    facts["healthz"] = health.asked_healthz(host)
    return facts


def credentials(host):
    try:
        return dict(message_types=host.api().message_types())
    except Refusal as problem:
        return dict(credentials_problem=to_text(problem), not_listed=problem.about == CALLER and "white list" in to_text(problem))
    except Problem as problem:
        return dict(credentials_problem=to_text(problem))


def ding_service(esb, facts, params):
    """What speaks for and against the service that sends queued messages: mode, owner (of the workers, "uid:gid", or None), systemd (its version, or
    None), taken and folder_problem (why the unit cannot be written), kept (whether there is a unit of ours), differs (whether an installation would
    change it), folder (whether the channel has kept something in the ESB's logs), waiting (messages that lie there).
    """
    mode = params["service_mode"]
    if mode == "auto":
        mode = "systemd" if facts["runtime"] in ("systemd", "docker") else "none"
    found = dict(mode=mode, owner=processes.owner(facts.get("processes") or []), systemd=None, taken="", folder_problem="", kept=False,
                 differs=False, folder=False, waiting=0)
    try:
        kept = outboxes.Outboxes(esb.logs, time.time)
        found.update(folder=kept.is_there, waiting=kept.waiting())
        unit = service_host.Unit(params["service_unit"], params["service_folder"])
        now = unit.state()
        others = unit.others(service_host.script_of(esb))
        found["kept"] = found["differs"] = now is not None or bool(others)
        if mode == "systemd":
            found.update(systemd=unit.version(), taken=unit.taken(), folder_problem=not_writable(params["service_folder"]))
            if found["systemd"] is not None and not found["taken"]:
                found["differs"] = bool(others) or now != service_host.desired(esb, unit, params["unit"], service_unit.TARGET, found["owner"] or "")
    except Problem as problem:
        found["taken"] = to_text(problem).rstrip(".")
    return found


def restarting(facts, params):
    """master_pid and master_words of the process that SIGHUP would reach, for a graceful restart; restart_command_problem."""
    if params["restart_mode"] == "command" or facts["runtime"] == "command" and params["restart_mode"] == "restart":
        words = params["restart_command"] or []
        # Given as one text, it is split at blanks later.
        problems = [command_problem(word) for word in words[:1] + (words[0].split()[:1] if len(words) == 1 else [])]
        return dict(restart_command_problem="" if "" in problems else "".join(problems[-1:]))
    if params["restart_mode"] != "graceful":
        return {}
    pid = (facts.get("unit") or {}).get("main_pid") if facts["runtime"] == "systemd" else facts.get("main_pid")
    return dict(main_pid=pid, main_words=processes.words(pid) if pid else [])


def command_problem(word):
    """Why a program cannot be started by this name; "" when it can."""
    places = [word] if "/" in word else [os.path.join(place, word) for place in os.environ.get("PATH", "").split(os.pathsep)]
    if any(os.path.isfile(place) and os.access(place, os.X_OK) for place in places):
        return ""
    return "there is no program %s that can be started" % word


def draining(params):
    """drained (whether one of our runs has left this host out of Consul), consul_problem, consul_services, consul_others.

    Asked without ding_drain too: a run with it may have been killed before this one.
    """
    try:
        seen = Consul(params["consul_url"], params["consul_service"], params["consul_token"] or None).look()
    except Problem as problem:
        return dict(drained=False, consul_problem=to_text(problem).rstrip("."))
    return dict(drained=bool(seen.ours), consul_services=seen.ids, consul_others=seen.others,
                consul_problem="" if seen.ids else "Consul's agent at %s has no service %s" % (params["consul_url"], params["consul_service"]))


# --- other services ---------------------------------------------------------------------------------------------------

def outside(params):
    """egress [{url, problem, offset}], clock_offset (seconds this host is fast, or None), usermgr_problem."""
    egress = [way_to(url, params["proxy"]) for url in params["dingtalk_urls"]]
    pages = [each["offset"] for each in egress if each["offset"] is not None]
    if not pages and params["url"]:
        pages = [each["offset"] for each in [way_to(params["url"], None)] if each["offset"] is not None]
    return dict(egress=egress, clock_offset=pages[0] if pages else None, usermgr_problem=usermgr_problem(params) if params["usermgr_url"] else "")


def way_to(url, proxy):
    """Whether DingTalk can be reached: an answer with any status will do, after a TLS handshake with a certificate that is verified."""
    try:
        with proxied(proxy) as secrets:
            service = Http("DingTalk", url, timeout=HTTP_SECONDS, secrets=secrets, **({} if proxy else dict(open_with=host_health.open_directly)))
            page = service.look("/")
    except Problem as problem:
        return dict(url=url, problem=to_text(problem) + (" (through the proxy %s)" % without_password(proxy) if proxy else ""), offset=None)
    if page.status == 407:
        return dict(url=url, problem="The proxy %s wants a name and a password (HTTP 407)." % without_password(proxy), offset=None)
    return dict(url=url, problem="", offset=offset(page.date, time.time()))


def offset(date, now):
    """Seconds by which `now` is ahead of a Date header; None for none."""
    parts = email.utils.parsedate_tz(to_native(date)) if date else None
    return round(now - email.utils.mktime_tz(parts), 1) if parts else None


@contextlib.contextmanager
def proxied(proxy):
    """Within it, open_url takes this proxy for http and https. Gives the texts that must not be shown."""
    if not proxy:
        yield []
        return
    names = [name for name in os.environ if name.lower() in ("http_proxy", "https_proxy", "no_proxy", "all_proxy")]
    before = dict((name, os.environ.pop(name)) for name in names)
    os.environ.update(http_proxy=to_native(proxy), https_proxy=to_native(proxy))
    try:
        yield [each for each in (urlsplit(proxy).password, proxy) if each]
    finally:
        del os.environ["http_proxy"], os.environ["https_proxy"]
        os.environ.update(before)


def without_password(proxy):
    parts = urlsplit(proxy or "")
    return "%s://%s" % (parts.scheme, parts.netloc.rpartition("@")[2]) if parts.netloc else "that was given"


def usermgr_problem(params):
    """Looks one user up, and at nothing but whether that is answered; "" when it is."""
    given = dict((name, params["usermgr_" + name] or None) for name in ("app_code", "app_secret", "token"))
    if given["token"]:
        given.update(app_code=None, app_secret=None)
    try:
        service = UserManagement(dict(given, usermgr_url=params["usermgr_url"], validate_certs=params["validate_certs"], ca_path=None,
                                      timeout=HTTP_SECONDS), check=True)
        service.look_up([params["username"]], ["username"])
    except Problem as problem:
        return to_text(problem)
    return ""


# --- small things -----------------------------------------------------------------------------------------------------

def command(words):
    """(exit code, what it printed) of a program that only looks; it is killed at the limit."""
    try:
        child = subprocess.Popen(  # pylint: disable=ansible-bad-function
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, close_fds=True, cwd="/")
    except OSError as error:
        return 127, "%s cannot be started (%s)" % (words[0], os.strerror(error.errno))
    timer = threading.Timer(COMMAND_SECONDS, child.kill)
    timer.start()
    try:
        out = child.communicate(b"")[0]
    finally:
        timer.cancel()
    return child.returncode, to_text(out, errors="replace").strip()[:1000].rstrip(".") or "it ended with %d" % child.returncode


def number(text):
    """A process's number out of what a program printed; None for 0, which is none, and for anything else."""
    return int(text) if (text or "").isdigit() and int(text) else None


def existing(path):
    """The path, or what of it is there."""
    while not os.path.lexists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    return path


def name_of(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "user %d" % uid


def line(path):
    """The first line of a small file; "" without one."""
    try:
        with io.open(path, encoding="utf-8", errors="replace") as handle:
            return handle.readline(200).strip()
    except (IOError, OSError):
        return ""
