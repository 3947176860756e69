"""Constants that components import."""
from __future__ import absolute_import, division, print_function

from common.base_utils import FancyDict

API_TYPE_OP = "operate"
API_TYPE_Q = "query"

HTTP_METHOD = FancyDict(GET="GET", POST="POST")

COMPONENT_STATUSES = FancyDict(ARGUMENT_ERROR=0, EXECUTING=2, SUCCESS=3, FAILURE=4, EXCEPTION=5)

SKIP_USER_AUTH = "user_auth::skip_user_auth"
JWT_KEY = "jwt::private_public_key"
