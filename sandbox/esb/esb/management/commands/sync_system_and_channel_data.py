"""Writes the declared systems and channels into the database; settings of existing channels stay as they are."""
from __future__ import absolute_import, division, print_function

import json
import logging

from django.core.management.base import BaseCommand

from common.constants import API_TYPE_Q
from esb.bkcore.models import ComponentSystem, ESBChannel, SystemDocCategory
from esb.management.utils import conf_tools

logger = logging.getLogger(__name__)

# written each time, and only into new rows or with --force
SYSTEM_FIELDS = ["label", "remark", "interface_admin", "doc_category_id"], ["execute_timeout", "query_timeout"]
CHANNEL_FIELDS = (
    ["name", "component_codename", "component_name", "method"],
    ["component_system_id", "type", "is_hidden", "timeout_time"],
)


class Command(BaseCommand):
    help = "Sync systems and channels of the configuration to the database"

    def add_arguments(self, parser):
        parser.add_argument("--force", action="store_true", dest="force", help="Force data update to db")

    def handle(self, *args, **options):
        self.force = options.get("force")
        self.left_alone = []
        client = conf_tools.ConfClient()
        self.update_categories(client)
        self.update_systems(client)
        self.update_channels(client)
        self.update_categories_of_systems(client)
        for text in self.left_alone:
            logger.warning(text)
        logger.info("Sync system/channels done")

    def update_categories(self, client):
        for category in client.system_doc_category:
            SystemDocCategory.objects.get_or_create(
                name=category["label"], defaults={"priority": category["priority"]}
            )

    def update_categories_of_systems(self, client):
        for category in client.system_doc_category:
            ComponentSystem.objects.filter(doc_category_id__isnull=True, name__in=category["systems"]).update(
                doc_category_id=SystemDocCategory.objects.get(name=category["label"]).id
            )

    def update_systems(self, client):
        categories = dict(SystemDocCategory.objects.values_list("name", "id"))
        for conf in client.systems:
            conf = dict(conf)
            if conf.get("doc_category") in categories:
                conf["doc_category_id"] = categories[conf["doc_category"]]
            row = ComponentSystem.objects.filter(name=conf["name"]).first()
            if row:
                self.update(row, conf, "system %s" % conf["name"], *SYSTEM_FIELDS)
            else:
                row = ComponentSystem(name=conf["name"])
                assign(row, conf, SYSTEM_FIELDS[0] + SYSTEM_FIELDS[1])
                logger.info("add system: %s", conf["name"])
            row.save()

    def update_channels(self, client):
        for system_name, channels in client.channels.items():
            system = ComponentSystem.objects.filter(name=system_name).first()
            if not system:
                logger.warning("system %s does not exist, channels will not sync to db", system_name)
                continue
            for conf in channels:
                conf.update(
                    name=conf["component_label"],
                    type=2 if conf["component_type"] == API_TYPE_Q else 1,
                    is_hidden=conf["is_deprecated"],
                    component_system_id=system.id,
                    component_codename=conf["comp_codename"],
                )
                self.write_channel(conf)

    def write_channel(self, conf):
        row = ESBChannel.objects.filter(path=conf["path"], method=conf["method"]).first()
        is_new = row is None
        if is_new and conf["is_deprecated"]:
            return
        if is_new:
            row = ESBChannel(path=conf["path"])
            assign(row, conf, CHANNEL_FIELDS[0] + CHANNEL_FIELDS[1])
            row.comp_conf = json.dumps(conf["comp_conf_to_db"]) if conf["comp_conf_to_db"] else ""
        else:
            self.update(row, conf, "channel %s" % conf["path"], *CHANNEL_FIELDS)
        row.extra_info = json.dumps(
            {"is_confapi": False, "label_en": conf["label_en"], "suggest_method": conf["suggest_method"]}
        )
        try:
            row.save()
        except Exception as error:
            logger.error("%s channel %s failed: %s", "create" if is_new else "update", conf["path"], error)
        else:
            if is_new:
                logger.info("add channel: %s", conf["path"])

    def update(self, row, conf, what, always, forced):
        """Assign, and tell what is different: changed now, or left as the site has it."""
        for fields, applies in ((always, True), (forced, self.force)):
            changes = [
                "%s: %s -> %s" % (field, getattr(row, field), conf[field])
                for field in fields
                if field in conf and getattr(row, field) != conf[field]
            ]
            if changes and applies:
                logger.info("%s changed: %s", what, ", ".join(changes))
            elif changes:
                self.left_alone.append("%s change: %s" % (what, ", ".join(changes)))
            if applies:
                assign(row, conf, fields)


def assign(row, conf, fields):
    for field in fields:
        if field in conf:
            setattr(row, field, conf[field])
