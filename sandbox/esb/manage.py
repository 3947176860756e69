#!/usr/bin/env python
"""Django's command line of the local ESB."""
from __future__ import absolute_import, division, print_function

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
