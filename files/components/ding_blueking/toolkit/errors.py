# -*- coding: utf-8 -*-
"""Errors that end a request before anything is sent."""
from __future__ import absolute_import, division, print_function


class ChannelError(Exception):
    """A request that cannot be carried out; the message is shown to the caller as it is.

    Raised outside of `except` blocks only: Python 3 would chain the cause, and the ESB would log its text.
    """

    def __init__(self, message):
        super(ChannelError, self).__init__(message)
        self.message = message


class OrderError(ChannelError):
    """The request's own fields are wrong."""


class SettingsError(ChannelError):
    """A stored setting of the channel is wrong."""


class DirectoryError(ChannelError):
    """User management could not be asked."""
