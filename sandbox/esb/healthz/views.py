"""Health pages: /ping/, /healthz/ and whether a custom component can be found."""
from __future__ import absolute_import, division, print_function

from importlib import import_module

from django.conf import settings
from django.http import HttpResponse, JsonResponse

from common.base_utils import smart_upper
from common.compat import exception_text
from components.esb_conf import COMPONENT_GROUPS
from esb.bkcore.models import ComponentSystem
from esb.component import ComponentsManager
from esb.utils import fpath_to_module


def ping(request):
    return HttpResponse("pong")


def healthz(request):
    """HTTP 200 always: `ok` tells."""
    message = ""
    try:
        message = _problem()
    except Exception as error:
        message = u"Exceptions appeared in ESB service check: %s" % exception_text(error)
    return JsonResponse({"ok": not message, "code": "1306000", "message": message or "OK", "data": {}})


def _problem():
    """What is wrong with this host; the real ESB also asks Login, CC, Job and GSE."""
    if settings.HEALTHZ_FAULT:
        return settings.HEALTHZ_FAULT
    if not ComponentSystem.objects.exists():
        return (
            "Component system and channel data have not been initialized, "
            'please execute "python manage.py sync_system_and_channel_data" to initialize'
        )
    if settings.REDIS_HOST:
        try:
            import_module("common.base_redis").redisdb.ping()
        except Exception as error:
            return u"Exceptions occurred in Redis connection ([%s:%s] [use_sentinel=%s]): %s" % (
                settings.REDIS_HOST, settings.REDIS_PORT, settings.USE_SENTINEL, exception_text(error),
            )
    return ""


def check_custom_codename(request):
    """Look for a custom component by importing all of them into this process, under a manager of their own."""
    codename = request.GET.get("codename")
    config = COMPONENT_GROUPS[1]
    manager, failures = ComponentsManager(), []
    for filename in manager.files(config["path"]):
        if not filename.endswith(".py"):
            continue
        try:
            manager.register_by_module(import_module(fpath_to_module(filename)), config)
        except Exception as error:
            failures.append(u"%s\nException: %s" % (filename, exception_text(error)))
    lines = []
    if codename:
        if codename.count(".") != 2:
            return HttpResponse('codename "%s" does not math the rule generic.xxx.xxx, please check' % codename)
        if codename in manager.get_registed_components():
            return HttpResponse(
                'component "%s" exists, if the visit prompts the error message '
                '"Not found, component class not found", please restart the esb service' % codename
            )
        _prefix, system, name = codename.split(".")
        lines = [
            'component "%s" does not exist, please check the following steps:' % codename,
            '1. component path is "%s", please check whether the component file exists' % config["path"],
            '2. component class name should be "%s", please check' % smart_upper(name),
            '3. uppercase of compoennt attribute sys_name should be "%s", please check' % system.upper(),
        ]
    if failures:
        lines += ["\n", "There are some components loaded exception, please repair:"] + failures
    return HttpResponse("\n".join(lines) or "OK", content_type="text/plain")
