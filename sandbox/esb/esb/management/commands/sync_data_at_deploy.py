"""What the platform runs at its own upgrades: white list and key, systems and channels, documentation."""
from __future__ import absolute_import, division, print_function

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Sync everything"

    def handle(self, *args, **options):
        call_command("sync_function_controller")
        call_command("sync_system_and_channel_data")
        call_command("sync_api_docs")
