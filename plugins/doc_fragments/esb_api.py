# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Options of the modules that call the ESB's component API."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  esb_url:
    description:
      - The ESB's address, for example V(http://paas.service.consul) for the platform's nginx or V(http://10.0.0.1:8002) for the ESB of one host.
      - It may end with the path of the component API, for example V(http://10.0.0.1:8002/c/compapi); that path is then O(api_prefix).
    type: str
    required: true
  api_prefix:
    description:
      - The path of the component API at that address. V(/c/compapi) is right for the port of a V6 ESB (PaaS 2.12 to 2.14),
        V(/api/c/compapi) for a V7 ESB and for either behind the platform's nginx.
      - Without it, the module asks for the list of message types (C(GET /cmsi/get_msg_type/), which changes nothing) under
        V(/api/c/compapi) and then under V(/c/compapi), and uses the first that an ESB answers.
    type: str
  app_code:
    description: The code of the app in whose name the ESB is called. It must be in the ESB's white list C(user_auth::skip_user_auth).
    type: str
    required: true
  app_secret:
    description:
      - The secret of that app.
      - It travels, with O(app_code) and O(username), in the header C(X-Bkapi-Authorization), which the ESB does not write to its log.
    type: str
    required: true
  username:
    description: The BlueKing user in whose name the ESB is called.
    type: str
    default: admin
  validate_certs:
    description: Whether the certificate of an C(https) address must be valid.
    type: bool
    default: true
  ca_path:
    description: A file with the CA certificates to trust, for an C(https) address with a certificate of a site's own CA.
    type: path
  timeout:
    description: After how many seconds the module ends, whatever the ESB does.
    type: int
    default: 30
notes:
  - Redirects are not followed, because the credentials would go along.
  - The environment variables E(http_proxy), E(https_proxy) and E(no_proxy) of the host are used.
"""
