# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What speaks against an installation on a host: facts in, problems with their remedies out. Nothing here looks at a host.

A finding is a dict {what, remedy, severity}; severity is "problem" (the run must not begin) or "warning".
host_facts.py gathers the facts; a fact that could not be gathered is missing or None, and never a reason to be silent.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

PROBLEM, WARNING = "problem", "warning"
OLDEST, NEWEST = (2, 12), (2, 14)
# DingTalk refuses signatures whose time differs by more than an hour.
CLOCK_SECONDS = 3600
FEWEST_INODES = 1000
# What re-loads at SIGHUP, by a part of its command line.
RELOADING = ("uwsgi", "gunicorn")
SHOWN_CHARACTERS = 200


def findings(facts, wanted):
    """All findings, in the order of the checks. wanted: the module's parameters."""
    found = _generation(facts, wanted)
    if found:
        # What else is missing there would only mislead.
        return found
    for check in (_root, _version, _esb, _user, _runtime, _restart, _drain, _python, _writable, _space, _package, _clock, _egress, _kept, _usermgr,
                  _service, _ding_service, _credentials):
        found += check(facts, wanted)
    return found


def parted(found):
    """(problems, warnings)"""
    return [each for each in found if each["severity"] == PROBLEM], [each for each in found if each["severity"] == WARNING]


def version_of(text):
    """(2, 12) for "2.12.25"; None for what is no version."""
    numbers = re.match(r"^[vV]?(\d+)\.(\d+)", (text or "").strip())
    return (int(numbers.group(1)), int(numbers.group(2))) if numbers else None


def _finding(what, remedy, severity=PROBLEM):
    what = what[:1].upper() + what[1:] + ("" if what.endswith((".", "?", "!")) else ".")
    return [dict(what=what, remedy=remedy, severity=severity)]


def _root(facts, wanted):
    if facts.get("allowed", True):
        return []
    return _finding("Preflight runs as %s and may not work as the ESB's user." % facts.get("running_as"), "Run it as root (become: true).")


def _generation(facts, wanted):
    if facts.get("generation") != "v7":
        return []
    return _finding("The ESB in %s is a V7 one, which this collection does not install into." % facts["esb_home"],
                    "Follow the guide for V7 in the collection's folder docs: there the channel is mounted by the platform's own Helm chart.")


def _version(facts, wanted):
    if facts.get("generation") == "v7":
        return []
    version = facts.get("paas_version")
    severity = WARNING if wanted["force_version"] else PROBLEM
    if not version:
        return _finding("The version of the PaaS platform is not known: there is no %s." % facts["version_file"],
                        "Set ding_paas_version, for example to 2.12.25.", severity)
    numbers = version_of(version)
    if numbers and OLDEST <= numbers <= NEWEST:
        return []
    return _finding("The PaaS platform's version is %s, and tried are 2.12 to 2.14." % version,
                    "Set ding_force_version=true to go on at your own risk, or ding_paas_version when that is not its version.", severity)


def _esb(facts, wanted):
    if not facts.get("esb_present"):
        return _finding("There is no ESB in %s." % facts["esb_home"], "Set ding_bk_home or ding_esb_home, or take the host out of the group paas.")
    if not facts.get("generation"):
        return _finding("%s does not look like an ESB that we know: it has neither esb/exdb nor the channels of V7." % facts["esb_home"],
                        "Set ding_esb_home to the folder that holds the ESB's manage.py.")
    return []


def _user(facts, wanted):
    if not facts.get("esb_present"):
        return []
    if facts.get("user_problem"):
        return _finding(facts["user_problem"], "Set ding_esb_user to the user as whom the ESB's service runs.")
    service = (facts.get("unit") or {}).get("user")
    if service and facts.get("user") and service != facts["user"]:
        return _finding("The ESB's unit runs as %s, and its files would be written as %s." % (service, facts["user"]),
                        "Set ding_esb_user=%s, or give it the files of %s." % (service, facts["esb_home"]), WARNING)
    return []


def _runtime(facts, wanted):
    kind, unit = facts.get("runtime"), facts.get("unit") or {}
    if kind == "systemd":
        if unit.get("load") != "loaded":
            return _finding("There is no unit %s on this host." % wanted["unit"], "Set ding_esb_unit, or ding_esb_runtime to docker or command.")
        if unit.get("active") != "active":
            return _finding("The unit %s is %s." % (wanted["unit"], unit.get("active") or "in an unknown state"),
                            "Start it and see why it was not running: a restart can only be judged against a service that works.")
    elif kind == "docker" and facts.get("container_problem"):
        return _finding("The container %s cannot be used with %s: %s." % (wanted["container"], wanted["engine"], facts["container_problem"]),
                        "Start it, or set ding_esb_container and ding_container_engine.")
    elif kind == "docker" and facts.get("inner_home_problem"):
        return _finding("The container %s does not run this host's ESB: %s." % (wanted["container"], facts["inner_home_problem"]),
                        "Set ding_esb_home to the folder that the container mounts, or ding_esb_container.")
    elif kind is None:
        return _finding("How the ESB is run here is not known: there is neither a unit %s nor a container %s." % (wanted["unit"], wanted["container"]),
                        "Set ding_esb_unit or ding_esb_container, or ding_esb_runtime=command and ding_restart_command.")
    return []


def _restart(facts, wanted):
    mode, kind = wanted["restart_mode"], facts.get("runtime")
    if mode == "command" or kind == "command" and mode == "restart":
        if not wanted["restart_command"]:
            return _finding("There is no command to restart the ESB with.",
                            "Set ding_restart_command to the words of one, or ding_esb_runtime to systemd or docker.")
        if facts.get("restart_command_problem"):
            return _finding("The ESB cannot be restarted with ding_restart_command: %s." % facts["restart_command_problem"],
                            "Its words are started without a shell; the first is the program's path, or a name on root's PATH.")
    reason = _not_graceful(facts, kind) if mode == "graceful" else ""
    if not reason:
        return []
    return _finding("A graceful restart cannot work here, because %s." % reason,
                    "Set ding_restart_mode=restart, or ding_restart_mode=command with a ding_restart_command that re-loads this service.")


def _not_graceful(facts, kind):
    """Why SIGHUP to the service's main process is no re-load; "" when it is one, and where other findings say that nothing is known."""
    if kind == "command":
        return "with ding_esb_runtime=command nobody knows which process to signal"
    if kind is None or kind == "systemd" and (facts.get("unit") or {}).get("can_reload") or not facts.get("processes"):
        return ""
    masters = [each["pid"] for each in facts["processes"] if not each["worker"]]
    shown = " ".join(facts.get("main_words") or ["?"])[:SHOWN_CHARACTERS]
    if not masters:
        return "the ESB runs without a master process over its workers, and SIGHUP would end it"
    if facts.get("main_pid") not in masters:
        return "the service's main process (%s) is not the master of the ESB's workers" % shown
    if not any(server in shown for server in RELOADING):
        return "its main process (%s) is neither uWSGI nor gunicorn, and nobody knows what SIGHUP does to it" % shown
    return ""


def _drain(facts, wanted):
    found = []
    if facts.get("drained"):
        found += _finding("An interrupted run has left this host out of Consul, so nginx sends nothing to it.",
                          "The next install puts it back; by hand that is: consul maint -disable -service=%s."
                          % " or ".join(facts.get("consul_services") or ["ID"]), WARNING)
    if not wanted["drain"]:
        return found
    if facts.get("consul_problem"):
        return found + _finding("This host cannot be taken out of Consul before the restart: %s." % facts["consul_problem"],
                                "Set ding_consul_url, ding_consul_token or ding_consul_service, or ding_drain=false.")
    if not facts.get("consul_others"):
        found += _finding("No other host serves the ESB, as Consul sees it, so this one stays there during its restart.",
                          "Without other hosts ding_drain does nothing; with others, see why Consul does not find them healthy.", WARNING)
    return found


def _python(facts, wanted):
    if not facts.get("esb_present"):
        return []
    if facts.get("python_problem"):
        return _finding(facts["python_problem"],
                        "Set ding_esb_python to the Python that runs the ESB here, and see that its manage.py works as the service's user.")
    if facts.get("conf_problem"):
        return _finding("The site's own components/generic/apis/conf.py cannot be imported (%s), so the ESB ignores all channels in it."
                        % facts["conf_problem"], "Mend that file; our lines are added at its end and do not depend on the rest.", WARNING)
    return []


def _writable(facts, wanted):
    found = []
    for path, reason in sorted((facts.get("not_writable") or {}).items()):
        found += _finding("%s cannot be written to: %s." % (path, reason), "Make it a folder that root can write to, on this host's own disk.")
    return found


def _space(facts, wanted):
    found = []
    for path, free in sorted((facts.get("free_mb") or {}).items()):
        if free < wanted["space_mb"]:
            found += _finding("Below %s only %d MB are free, and %d are wanted." % (path, free, wanted["space_mb"]),
                              "Make room, or set ding_backup_dir or ding_space_mb.")
    for path, free in sorted((facts.get("free_inodes") or {}).items()):
        if free is not None and free < FEWEST_INODES:
            found += _finding("The file system of %s has room for %d more files only." % (path, free), "Remove files there, or set ding_backup_dir.")
    return found


def _package(facts, wanted):
    found = []
    for text in facts.get("package_problems") or ():
        found += _finding(text, "Nothing is changed on this host before that is in order.")
    if facts.get("original_problem"):
        found += _finding(facts["original_problem"], "Only files of the manual release as it was published are replaced.")
    elif facts.get("original_release"):
        found += _finding("The manual release of the channel lies in components/generic/apis: %s." % ", ".join(facts["original_release"]),
                          "Set ding_replace_original=true to have its files replaced; credentials stored in its channels are kept.",
                          WARNING if wanted["replace_original"] else PROBLEM)
    if facts.get("pending"):
        found += _finding("A run on this host was interrupted in the middle of a change.", "The next install or rollback finishes it first.", WARNING)
    if facts.get("stale"):
        found += _finding("Some of the ESB's workers are older than the channel's files: a restart is owed.",
                          "The next install restarts this host, or do it yourself.", WARNING)
    return found


def _clock(facts, wanted):
    offset = facts.get("clock_offset")
    if offset is None or abs(offset) <= CLOCK_SECONDS:
        return []
    return _finding("This host's clock is %s by %d s; DingTalk refuses signatures beyond one hour." % ("fast" if offset > 0 else "slow", abs(offset)),
                    "Set the clock, and see that NTP keeps it.")


def _egress(facts, wanted):
    found = []
    for way in facts.get("egress") or ():
        if way["problem"]:
            if wanted["offline"]:
                found += _finding(way["problem"], "So it was said (ding_offline=true): no message will leave this host.", WARNING)
                continue
            found += _finding(way["problem"], "Open the way from this host to %s on the firewall, or set ding_proxy; without internet on purpose, "
                              "set ding_offline=true." % way["url"])
    return found


def _kept(facts, wanted):
    names = facts.get("settings_kept")
    if not names:
        return []
    return _finding("The channel has a stored %s that the inventory does not name: it stays in use, and the way tested here is another."
                    % " and ".join(names), "Name it in the inventory, or remove it with ding_settings: {%s}." % ", ".join(
                        "%s: null" % name for name in names), WARNING)


def _usermgr(facts, wanted):
    if not facts.get("usermgr_problem"):
        return []
    return _finding(facts["usermgr_problem"], "Set ding_usermgr_url, ding_usermgr_app_code and ding_usermgr_app_secret (or ding_usermgr_token).")


def _service(facts, wanted):
    found = []
    if facts.get("ping_problem"):
        found += _finding("The ESB does not answer at %s: %s." % (wanted["url"], facts["ping_problem"]),
                          "Start the ESB, or set ding_esb_host and ding_esb_port: a restart can only be judged against a service that works.")
    if facts.get("processes_problem"):
        found += _finding("The ESB's processes cannot be found: %s." % facts["processes_problem"],
                          "Run preflight as root on the host that serves %s." % wanted["url"])
    healthz = facts.get("healthz")
    if healthz and not healthz["ok"]:
        found += _finding("/healthz/ complains already: %s" % healthz["message"], "The platform's own matter; the gate compares with this.", WARNING)
    return found


def _ding_service(facts, wanted):
    """The service that sends queued messages."""
    seen, found = facts.get("ding_service") or {}, []
    if seen.get("waiting") and not facts.get("package_version"):
        found += _finding("%d messages wait here to be sent since an earlier installation." % seen["waiting"],
                          "After an install the service sends them. To give them up, remove the folder ding_blueking from the ESB's logs before.", WARNING)
    if seen.get("mode") != "systemd":
        return found
    other = "Set ding_service_mode=external where something else keeps the service, or none: then what is above a robot's limit is refused."
    if seen.get("systemd") is None:
        return found + _finding("systemd does not run on this host, so it cannot keep the service that sends queued messages.", other)
    if seen.get("folder_problem"):
        found += _finding("The unit %s cannot be written: %s: %s." % (wanted["service_unit"], wanted["service_folder"], seen["folder_problem"]), other)
    if seen.get("taken"):
        found += _finding("The unit %s cannot be written: %s." % (wanted["service_unit"], seen["taken"]), "Move it away, or set ding_service_unit.")
    return found


def _credentials(facts, wanted):
    if not wanted["url"] or facts.get("ping_problem"):
        return []
    if not wanted["app_code"] or not wanted["app_secret"]:
        return _finding("There are no credentials to call the ESB with, so versions and messages cannot be tested.",
                        "Set ding_esb_app_code and ding_esb_app_secret.", WARNING)
    if not facts.get("credentials_problem"):
        return []
    if facts.get("not_listed"):
        return _finding(facts["credentials_problem"], "Set ding_whitelist_app=true to have the app put into the white list, or use another app.",
                        WARNING if wanted["whitelist_app"] else PROBLEM)
    return _finding(facts["credentials_problem"], "Set ding_esb_app_code and ding_esb_app_secret to those of a platform app, not of the DingTalk app.")
