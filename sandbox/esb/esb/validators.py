"""Who calls: checks of app, user and permission before a component runs."""
from __future__ import absolute_import, division, print_function

from common.base_utils import get_first_not_empty_value
from common.caches import cached
from common.errors import ValidationError, error_codes
from esb.bkcore.models import AppAccount, AppComponentPerm, ESBChannel
from esb.exdb.models import App
from esb.utils.func_ctrl import is_skip_user_auth


@cached
def app_secrets(app_code):
    """The secrets of an app: PaaS's and the ESB's own."""
    return list(App.objects.filter(code=app_code).values_list("auth_token", flat=True)[:1]) + list(
        AppAccount.objects.filter(app_code=app_code).values_list("app_token", flat=True)[:1]
    )


class AppAuthValidator(object):
    """App code and secret."""

    def validate(self, request):
        app_code = request.g.app_code
        secret = get_first_not_empty_value(request.g.authorization, ["bk_app_secret", "app_secret"])
        if not secret:
            raise ValidationError(
                "Signature [bk_signature] and APP Secret [bk_app_secret] cannot be empty at the same time"
            )
        if not app_code:
            raise ValidationError("APP Code [bk_app_code] cannot be empty")
        secrets = app_secrets(app_code)
        if not secrets:
            raise ValidationError(
                "Invalid APP Code [bk_app_code=%s], please confirm if the APP Code has been registered" % app_code
            )
        if secret not in secrets:
            raise ValidationError(
                "APP Secret verification failed, pelase confirm if the APP Secret and APP Code [bk_app_code=%s] match"
                % app_code
            )


class UserAuthValidator(object):
    """The user: named by an app in the white list. There is no login here that could know a bk_token."""

    def validate(self, request):
        if request.g.authorization.get("bk_token"):
            raise ValidationError("User authentication failed, please check if the bk_token is valid")
        username = get_first_not_empty_value(request.g.authorization, ["bk_username", "username"])
        if not (username and is_skip_user_auth(request.g.app_code)):
            raise ValidationError(
                "User authentication failed, please provide a valid user identity, such as bk_token, bk_username"
            )
        request.g.current_user_username = username
        request.g.current_user_verified = False


class ComponentPermValidator(object):
    """Channels with a perm_level are for the apps that were granted them."""

    def validate(self, request):
        conf = request.g.channel_conf
        if not conf.get("perm_level") or conf.get("id") is None:
            return
        granted = AppComponentPerm.objects.filter(app_code=request.g.app_code, component_id=conf["id"])
        if not granted.exists():
            row = ESBChannel.objects.select_related("component_system").get(id=conf["id"])
            raise error_codes.APP_PERMISSION_DENIED.format_prompt(
                "APP has no permission to access the component (%s) of the system (%s). The APP manager can go to "
                "the Developer Center and apply for permission to access the component"
                % (row.component_name, row.component_system and row.component_system.name)
            )
