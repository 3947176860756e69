"""What components derive from."""
from __future__ import absolute_import, division, print_function

from esb.channel import ApiChannel
from esb.component import BaseComponent
from esb.utils.base import SmartHost
from esb.validators import AppAuthValidator, ComponentPermValidator, UserAuthValidator


class ApiChannelForAPIS(ApiChannel):
    request_validators = [AppAuthValidator(), UserAuthValidator(), ComponentPermValidator()]


class Component(BaseComponent):
    """The base class of every component."""


class SetupConfMixin(object):
    """Takes the channel's comp_conf into the instance, whatever the names are."""

    def setup_conf(self, conf):
        self.__dict__.update(conf)
        if "host" in conf:
            self.set_host(conf["host"])

    def set_host(self, host):
        self.host = SmartHost(**host) if isinstance(host, dict) else host if isinstance(host, SmartHost) else None
