"""Makes sure of the white list of apps that may name their user, and of the token's key."""
from __future__ import absolute_import, division, print_function

import binascii
import json
import os

from django.core.management.base import BaseCommand

from common.constants import JWT_KEY, SKIP_USER_AUTH
from esb.bkcore.models import FunctionController

PLATFORM_APPS = [
    "bk_apigateway", "bk_bklog", "bk_cmdb", "bk_fta_solutions", "bk_gse", "bk_iam", "bk_itsm", "bk_job", "bk_log_search",
    "bk_monitor", "bk_nodeman", "bk_paas", "bk_sops", "bk_usermgr",
]


def add_to_white_list(app_codes):
    row, _ = FunctionController.objects.get_or_create(
        func_code=SKIP_USER_AUTH, defaults={"func_name": "Whether to skip user authentication"}
    )
    present = [code for code in (row.wlist or "").replace(";", ",").split(",") if code]
    if not set(app_codes) <= set(present):
        row.wlist = ",".join(sorted(set(present) | set(app_codes)))
        row.save()


class Command(BaseCommand):
    help = "Sync the function controllers"

    def handle(self, *args, **options):
        add_to_white_list(PLATFORM_APPS)
        FunctionController.objects.get_or_create(
            func_code=JWT_KEY,
            defaults={
                "func_name": "JWT key",
                "wlist": json.dumps({"private_key": binascii.hexlify(os.urandom(32)).decode("ascii")}),
            },
        )
