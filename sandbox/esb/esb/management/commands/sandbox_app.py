"""Adds an app with its secret, on request to the white list too; the real ESB gets apps from PaaS."""
from __future__ import absolute_import, division, print_function

from django.core.management.base import BaseCommand

from esb.exdb.models import App

from .sync_function_controller import add_to_white_list


class Command(BaseCommand):
    help = "Add or change an app of the sandbox"

    def add_arguments(self, parser):
        parser.add_argument("--code", required=True)
        parser.add_argument("--secret", required=True)
        parser.add_argument("--whitelist", action="store_true", help="the app may name its user")

    def handle(self, *args, **options):
        code = options["code"]
        App.objects.update_or_create(code=code, defaults={"name": code[:20], "auth_token": options["secret"]})
        if options["whitelist"]:
            add_to_white_list([code])
