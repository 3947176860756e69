"""From a path to the channel and the component that serve it."""
from __future__ import absolute_import, division, print_function

from django.conf import settings
from django.http import Http404

from common.constants import API_TYPE_OP
from common.errors import error_codes
from esb.channel import get_channel_manager
from esb.component import get_components_manager


def api_router_view(request, path):
    components = get_components_manager()
    channels = get_channel_manager()

    path = "/%s/" % path.strip("/")
    path = request.g.comp_path = channels.get_rewrite_path_by_path(path) or path
    found = channels.get_channel_by_path(path, request.method)
    if not found:
        raise Http404
    row = found["channel"]
    if not row.is_active:
        raise error_codes.INACTIVE_CHANNEL
    comp_class = components.get_comp_by_name(row.component_codename)
    if not comp_class:
        raise error_codes.COMPONENT_NOT_FOUND.format_prompt(row.component_codename)

    channel = found["classes"]["api"](
        comp_class, path=path, comp_conf=found["comp_conf"], channel_conf=found["channel_conf"]
    )
    request.g.timeout = _timeout(row, comp_class)
    request.g.sys_name = comp_class.sys_name
    return channel.handle_request(request)


def _timeout(row, comp_class):
    """Seconds a call to the system behind may take: the channel's, else its system's for this kind of API."""
    system = row.component_system
    if row.timeout_time or not system:
        return row.timeout_time or settings.REQUEST_TIMEOUT_SECS
    operates = comp_class.api_type == API_TYPE_OP if comp_class.api_type != "unknown" else row.type == 1
    return system.execute_timeout if operates else system.query_timeout
