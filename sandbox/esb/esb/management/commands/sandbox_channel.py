"""Changes channels' settings: reads {path: {setting: value}} from standard input; null removes a setting."""
from __future__ import absolute_import, division, print_function

import json
import sys

from django.core.management.base import BaseCommand, CommandError

from esb.bkcore.models import ESBChannel


class Command(BaseCommand):
    help = "Merge settings from standard input into channels' comp_conf"

    def handle(self, *args, **options):
        changes = json.load(sys.stdin)
        rows = {}
        for path in changes:
            rows[path] = ESBChannel.objects.filter(path=path).order_by("method").first()
            if not rows[path]:
                raise CommandError("There is no channel %s; sync_system_and_channel_data adds declared ones" % path)
        for path, settings in changes.items():
            row = rows[path]
            conf = json.loads(row.comp_conf) if row.comp_conf else []
            # pairs in their order, as the ESB stores them
            names = [pair[0] for pair in conf] if isinstance(conf, list) else list(conf or {})
            conf = dict(conf or {})
            conf.update(settings)
            names += [name for name in settings if name not in names]
            row.comp_conf = json.dumps([[name, conf[name]] for name in names if conf[name] is not None])
            row.save()
