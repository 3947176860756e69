# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Words in the results of modules that the controller's filters judge by; they import nothing else of the modules."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

# What esb_health looks at, in this order.
CHECKS = ("processes", "ping", "healthz", "imports", "component", "version", "offered", "service", "outboxes")
# What became of a message, per receiver.
SENT, QUEUED, REFUSED, UNCERTAIN, NOT_TRIED = "sent", "queued", "refused", "uncertain", "not_tried"
