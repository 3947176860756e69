"""A site that followed the manual procedure: made-up files at the places of the manual release, its rows, its credentials.

The release is told by the sums of its files, so a copy of the collection knows the made-up ones in place of the published ones.
"""

import hashlib
import json
import shutil

from playkit.player import ROOT
from playkit.site import APP_KEY

COMPONENT = ("from components.component import Component\nfrom .toolkit import configs, tools\n\n\nclass %s(Component):\n"
             "    sys_name = configs.SYSTEM_NAME\n\n    def handle(self):\n        tools.help(self)\n")
CONFIGS = ('SYSTEM_NAME = "CMSI"\nmsg_type = [\n    {"type": "mail", "label": "mail"},\n    {"type": "ding", "label": "ding"},\n]\n'
           'msg_type_map = {"mail": "send_mail", "ding": "send_ding"}\n')
PATHS = ("send_dingtalk", "send_dingbot", "send_ding")
CONF = "SYSTEM_DOC_CATEGORY = []\nSYSTEMS = []\nCHANNELS = [\n    # the release's\n%s]\nBUFFET_COMPONENTS = []\n"
ENTRIES = "".join('    ("/cmsi/%s/", {"comp_codename": "generic.cmsi.%s"}),\n' % (name, name) for name in PATHS)
FILES = {
    "cmsi/__init__.py": "", "cmsi/toolkit/__init__.py": "", "cmsi/toolkit/configs.py": CONFIGS,
    "cmsi/toolkit/tools.py": "def help(x):\n    return x\n",
    "cmsi/send_ding.py": COMPONENT % "SendDing", "cmsi/send_dingbot.py": COMPONENT % "SendDingbot", "cmsi/send_dingtalk.py": COMPONENT % "SendDingtalk",
    "dingbot/__init__.py": "", "dingbot/send_message.py": "# made up bot\n", "dingtalk/__init__.py": "", "dingtalk/get_token.py": "# made up talk\n",
    "README.md": "made up readme\n", "conf.py": CONF % ENTRIES,
}


def collection(place):
    """A collection root whose ding.blueking takes FILES for the published release."""
    folder = place / "ansible_collections" / "ding" / "blueking"
    folder.mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name in ("files", "meta", "roles", "playbooks", "galaxy.yml", "README.md"):
            (folder / path.name).symlink_to(path)
    shutil.copytree(ROOT / "plugins", folder / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    sums = {path: (hashlib.sha256(text.encode()).hexdigest(),) for path, text in FILES.items()}
    (folder / "plugins" / "module_utils" / "original_sums.py").write_text("SUMS = %r\n" % sums, "utf-8")
    return place


def install_by_hand(site):
    """As the manual procedure: unpack over the folder on each host, add the rows, restart, then type the credentials."""
    for host in site.world.hosts:
        for path, text in FILES.items():
            target = host.generic / "apis" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
    site.loaded.update(site.names())
    site.world.manage("sync_system_and_channel_data")
    site.world.manage("sandbox_channel", given=json.dumps({
        "/cmsi/send_dingtalk/": {"ding_app_key": APP_KEY, "ding_app_secret": site.secrets["app_secret"]},
        "/cmsi/send_dingbot/": {"token_field": "qq", "sign_field": "wx_userid"}}))
    site.restart(*site.names())
