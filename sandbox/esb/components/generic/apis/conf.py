"""A site's own channels and systems."""
from __future__ import absolute_import, division, print_function

# label, priority and the names of the systems in it
SYSTEM_DOC_CATEGORY = []

# name, label, remark, interface_admin, execute_timeout, query_timeout
SYSTEMS = []

# ("/system/component/", {"comp_codename": "generic.system.component"})
CHANNELS = []

# not read by the local ESB
BUFFET_COMPONENTS = []
