"""The two loggers that components use."""
from __future__ import absolute_import, division, print_function

import logging

logger = logging.getLogger("root")
logger_api = logging.getLogger("api")
