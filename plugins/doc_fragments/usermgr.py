# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Options of the modules that call user management."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  usermgr_url:
    description:
      - The address of user management's API service, without a path.
    type: str
    default: http://usermgr.service.consul:8009
  app_code:
    description:
      - The code of the app in whose name user management is called.
      - Credentials are only needed where its authentication is switched on, which it is not by default. Then either O(app_code) and
        O(app_secret), or O(token).
    type: str
  app_secret:
    description:
      - The secret of that app. Both travel in the headers C(X-Bk-App-Code) and C(X-Bk-App-Secret).
      - bk-user 2.3 to 2.5 does not compare it, and takes any app and secret. That a task succeeds does not prove them right.
    type: str
  token:
    description: An internal token of user management in place of an app. It travels in the header C(Authorization) as C(iBearer).
    type: str
  validate_certs:
    description: Whether the certificate of an C(https) address must be valid.
    type: bool
    default: true
  ca_path:
    description: A file with the CA certificates to trust, for an C(https) address with a certificate of a site's own CA.
    type: path
  timeout:
    description: After how many seconds a request to user management counts as failed, whatever the other side does.
    type: int
    default: 30
notes:
  - User management V2 is needed (bk-user 2.3 to 2.5). The v2 API of V3 only reads, and takes calls through the ESB only.
  - Redirects are not followed, because the credentials would go along.
  - The environment variables E(http_proxy), E(https_proxy) and E(no_proxy) of the host are used.
"""

    # Where in a profile the secrets are.
    ROBOT_FIELDS = r"""
options:
  token_field:
    description:
      - The field of a user that holds the robot's access token. It must be the channel's setting C(token_field).
      - One of V(qq) (64 characters), V(wx_userid) (255), V(wx_openid) (255) and V(code) (64), or C(extras__) and the name of an extended field.
    type: str
    default: qq
  sign_field:
    description:
      - The field of a user that holds the robot's secret. It must be the channel's setting C(sign_field). The same fields as for O(token_field).
    type: str
    default: wx_userid
"""
