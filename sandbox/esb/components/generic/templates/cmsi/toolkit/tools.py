"""What the stock senders share: users' contacts, the text of a message, and where it is kept."""
from __future__ import absolute_import, division, print_function

import base64
import io
import json
import os
import time

from django.conf import settings

from common.base_utils import unique
from common.compat import force_text, string_types
from common.errors import CommonAPIError


def decoded(content, is_base64):
    """The content as text; what cannot be decoded stays as it came."""
    if not is_base64:
        return content
    try:
        return force_text(base64.b64decode(content))
    except (TypeError, ValueError):
        return content


# how the answer calls a message of each type
NAMES = {"weixin": "wechat message", "mail": "email", "sms": "sms", "voice": "voice"}


def valid_contact(contact, way):
    if way == "email":
        return isinstance(contact, string_types) and "@" in contact
    return force_text(contact).isdigit() if way == "telephone" else bool(contact)


def validate_receiver(contacts, way):
    wrong = [force_text(contact) for contact in contacts if not valid_contact(contact, way)]
    if wrong:
        raise CommonAPIError(
            u"User message failed to send. The following users contact format are incorrect: %s, please check"
            % u",".join(wrong)
        )
    return contacts


def contacts_of(usernames, way):
    """({username: contact}, what was wrong with the others); an error when nobody is left."""
    # imported here: the folder of this module is walked before that one
    from components.bk.apisv2.usermanage.list_users import ListUsers

    answer = ListUsers().invoke(
        kwargs={
            "lookup_field": "username",
            "no_page": True,
            "best_match": 1,
            "exact_lookups": ",".join(usernames),
            "fields": "username,country_code,telephone,email,wx_userid",
        }
    )
    if not answer["result"]:
        raise CommonAPIError(
            u"Failed to get users contact information based on username, %s" % answer.get("message", "")
        )
    users = {user["username"]: user for user in answer["data"]}
    names = unique(usernames)
    found = {name: users[name].get(way) for name in names if name in users}
    unknown = [name for name in names if name not in users]
    wrong = [name for name in names if name in users and not valid_contact(found[name], way)]
    problems = []
    if unknown:
        problems.append(u"The following users are not blueking users: %s" % u",".join(unknown))
    if wrong:
        problems.append(u"The following users contact format are incorrect: %s" % u",".join(wrong))
    contacts = {name: contact for name, contact in found.items() if name not in wrong}
    if not contacts:
        raise CommonAPIError(u"All users message failed to be sent. %s" % u";".join(problems))
    return contacts, u";".join(problems)


def deliver(kind, contacts, title, content, problems=u""):
    """Keep the message in place of sending it; the payload to answer with."""
    entry = {
        "time": int(time.time() * 1000),
        "type": kind,
        "receivers": contacts,
        "title": title,
        "content": content,
    }
    line = force_text(json.dumps(entry, ensure_ascii=False, sort_keys=True)) + u"\n"
    with io.open(os.path.join(settings.LOG_DIR, "stock_messages.log"), "a", encoding="utf-8") as handle:
        handle.write(line)
    if problems:
        return {"result": False, "message": u"Some users failed to send %s. %s" % (NAMES[kind], problems)}
    return {"result": True, "message": "OK"}
