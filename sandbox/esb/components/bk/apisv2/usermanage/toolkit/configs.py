"""Where user management is."""
from __future__ import absolute_import, division, print_function

from django.conf import settings

from esb.utils import SmartHost

SYSTEM_NAME = "USERMANAGE"

host = SmartHost(host_prod=settings.USERMGR_HOST)
