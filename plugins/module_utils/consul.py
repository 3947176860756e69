# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Consul's agent on a PaaS host: whether nginx is told of this host's ESB, and taking it out for a while.

Through the agent's own HTTP interface, since `consul maint` wants a service's id, which the platform's installer makes up at
random (paas-esb-UUID) and only that interface tells.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.module_utils.host_health import open_directly
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.web import Http, HttpProblem

AGENT_SECONDS = 5
# How a reason begins that is ours. What others have taken out stays out.
MARK = "ding.blueking"
MAINTENANCE = "_service_maintenance:"
FORBIDDEN = 403


class Picture:
    """ids: this host's instances of the service; out: {id: reason} of those in maintenance; failing: {id: text}; others: how many other hosts serve."""

    def __init__(self, ids, out, failing, others):
        self.ids, self.out, self.failing, self.others = ids, out, failing, others

    @property
    def ours(self):
        """The ids that one of our runs has taken out."""
        return [each for each in self.ids if self.out.get(each, "").startswith(MARK)]


class Consul:
    """The agent at `url`; service: the name that nginx's template asks for."""

    def __init__(self, url, service, token=None, open_with=open_directly):
        self.url, self.service = url, service
        self._http = Http("Consul's agent", url, headers={"X-Consul-Token": token} if token else None, timeout=AGENT_SECONDS, open_with=open_with,
                          secrets=[token] if token else [])

    def look(self):
        """The Picture. Raises Problem."""
        services = self._get("/v1/agent/services")
        checks = self._get("/v1/agent/checks")
        passing = self._get("/v1/health/service/" + self.service, {"passing": "1"})
        try:
            return picture(self.service, services or {}, checks or {}, passing or [])
        except (AttributeError, KeyError, TypeError):
            raise Problem("%s answers with something that no Consul says: is the address right?" % self._http.where(""))

    def take_out(self, instance, reason):
        self._maintain(instance, {"enable": "true", "reason": "%s: %s" % (MARK, reason)})

    def put_back(self, instance):
        self._maintain(instance, {"enable": "false"})

    def _maintain(self, instance, query):
        path = "/v1/agent/service/maintenance/" + instance
        try:
            answer = self._http.ask("PUT", path, query)
        except HttpProblem as problem:
            raise self._refusal(problem)
        if answer.status != 200:
            raise Problem("%s answered HTTP %d." % (self._http.where(path), answer.status))

    def _get(self, path, query=None):
        try:
            answer = self._http.ask("GET", path, query)
        except HttpProblem as problem:
            raise self._refusal(problem)
        if answer.status != 200:
            raise Problem("%s answered HTTP %d." % (self._http.where(path), answer.status))
        return answer.body

    def _refusal(self, problem):
        if problem.status == FORBIDDEN:
            return Problem("%s refuses (HTTP 403): it wants a token that may read and write the service %s." % (self._http.where(""), self.service))
        return problem


def picture(service, services, checks, passing):
    """From the agent's own answers. An id may be the same on every host, so others are told by their node as well."""
    ids = sorted(each["ID"] for each in services.values() if each["Service"] == service)
    out, failing, nodes = {}, {}, set()
    for check in checks.values():
        instance = check.get("ServiceID")
        if instance not in ids:
            continue
        nodes.add(check.get("Node"))
        if check["CheckID"] == MAINTENANCE + instance:
            out[instance] = check.get("Notes") or "no reason given"
        elif check["Status"] != "passing":
            failing[instance] = "%s is %s" % (check.get("Name") or check["CheckID"], check["Status"])
    others = [each for each in passing if each["Service"]["ID"] not in ids or (nodes and each["Node"]["Node"] not in nodes)]
    return Picture(ids, out, failing, len(others))
