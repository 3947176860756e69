"""Writes the documentation pages of the visible channels into the database."""
from __future__ import absolute_import, division, print_function

import json
import logging

from django.core.management.base import BaseCommand

from common.base_utils import get_md5
from esb.bkcore.models import ComponentAPIDoc, ESBChannel
from esb.component import get_components_manager
from esb.management.utils.conf_tools import component_docs

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Sync the documentation of channels"

    def add_arguments(self, parser):
        parser.add_argument("--all", action="store_true", dest="all", help="update all api docs")

    def handle(self, *args, **options):
        known = dict(ComponentAPIDoc.objects.values_list("component_id", "doc_md_md5"))
        for channel in ESBChannel.objects.filter(is_active=True, is_hidden=False):
            comp_class = get_components_manager().get_comp_by_name(channel.component_codename)
            if not comp_class:
                logger.error("fail to generate apidoc for %s: no such component", channel.component_codename)
                continue
            text = json.dumps(component_docs(comp_class), sort_keys=True)
            md5 = get_md5(text)
            if options.get("all") or known.get(channel.id) != md5:
                ComponentAPIDoc.objects.update_or_create(
                    component_id=channel.id, defaults={"board": "", "doc_md": text, "doc_md_md5": md5}
                )
                logger.info(
                    "Document synced for api [%s](%s)", comp_class.sys_name, comp_class.get_component_name()
                )
