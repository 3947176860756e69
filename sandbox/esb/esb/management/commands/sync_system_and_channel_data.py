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
        self.warning_msgs = []
        self.update_doc_category()
        self.update_systems()
        self.update_channels()
        self.update_system_doc_category()
        for text in self.warning_msgs:
            logger.warning(text)
        logger.info("Sync system/channels done")

    # The steps have the names and arguments of the real command, so that tools which call one of them find it here too.

    def update_doc_category(self):
        for category in conf_tools.ConfClient().system_doc_category:
            SystemDocCategory.objects.get_or_create(
                name=category["label"], defaults={"priority": category["priority"]}
            )

    def update_system_doc_category(self):
        for category in conf_tools.ConfClient().system_doc_category:
            ComponentSystem.objects.filter(doc_category_id__isnull=True, name__in=category["systems"]).update(
                doc_category_id=SystemDocCategory.objects.get(name=category["label"]).id
            )

    def update_systems(self):
        categories = dict(SystemDocCategory.objects.values_list("name", "id"))
        for conf in conf_tools.ConfClient().systems:
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

    def update_channels(self):
        for system_name, channels in conf_tools.ConfClient().channels.items():
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
                conf["extra_info"] = {
                    "is_confapi": False, "label_en": conf["label_en"], "suggest_method": conf["suggest_method"]
                }
                row = ESBChannel.objects.filter(path=conf["path"], method=conf["method"]).first()
                if row:
                    self.update_channel_by_config(row, conf, *CHANNEL_FIELDS)
                elif not conf["is_deprecated"]:
                    self.create_channel_by_config(conf, *CHANNEL_FIELDS)

    def update_channel_by_config(self, channel, config, default_update_fields, force_update_fields):
        self.update(channel, config, "channel %s" % config["path"], default_update_fields, force_update_fields)
        channel.extra_info = json.dumps(config["extra_info"])
        try:
            channel.save()
        except Exception as error:
            logger.error("update channel %s failed: %s", config["path"], error)

    def create_channel_by_config(self, config, default_update_fields, force_update_fields):
        row = ESBChannel(path=config["path"])
        assign(row, config, default_update_fields + force_update_fields)
        row.comp_conf = json.dumps(config["comp_conf_to_db"]) if config["comp_conf_to_db"] else ""
        row.extra_info = json.dumps(config["extra_info"])
        try:
            row.save()
        except Exception as error:
            logger.error("create channel %s failed: %s", config["path"], error)
        else:
            logger.info("add channel: %s", config["path"])

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
                self.warning_msgs.append("%s change: %s" % (what, ", ".join(changes)))
            if applies:
                assign(row, conf, fields)


def assign(row, conf, fields):
    for field in fields:
        if field in conf:
            setattr(row, field, conf[field])
