# -*- coding: utf-8 -*-
"""The natural way of a message: receivers, message parts, delivery, one result. Plain data from step to step."""
from __future__ import absolute_import, division, print_function

from . import answer, messages, receivers
from .delivery import NOT_SENT, Delivery, Outcome
from .dingtalk import DingTalk
from .errors import OrderError
from .mobile import mobile_in_dingtalks_form
from .overflow import Overflow
from .receivers import PERSON, ROBOT, UNKNOWN

_WRONG_KIND = {
    ROBOT: u"is a robot user: send to it by send_dingbot or send_ding",
    PERSON: u"is no robot user: its %s is empty or its %s does not begin with SEC",
}


def send(order, settings, started, accepted_kinds, directory, transport, own_app=True):
    """Carry out an Order. The payload for the caller. own_app: whether the app is that of the settings, not a caller's.

    started: monotonic seconds; accepted_kinds: of "robot", "person"; directory: Directory; transport: Transport to
    DingTalk. Raises ChannelError when nothing can be sent at all.
    """
    deadline = started + settings.deadline
    addressed, profiles = _addressed(order, settings, accepted_kinds, directory, deadline)
    mentions, warnings = _mentions(order, profiles)
    msg_key = order.msg_key or settings.msg_key
    message = messages.compose(msg_key, order.title, order.content)
    if not message["text"].strip():
        raise OrderError(u"content is empty: nothing of it can be shown")
    in_group, at = messages.mention(message, msg_key, mentions, order.at_everybody)
    delivery = Delivery(
        DingTalk(settings, transport, deadline),
        settings,
        started,
        deadline,
        make_group_parts=lambda limit, identity: _told(
            messages.parts_for_group(msg_key, in_group, at, limit, lambda number: messages.part_uuid(identity, limit, number)),
            warnings,
        ),
        make_people_parts=lambda limit: _told(messages.parts_for_people(msg_key, message, limit), warnings),
        overflow=Overflow(settings),
        waiting=_waiting(msg_key, message, mentions, order.at_everybody, own_app),
    )
    fit = [receiver for receiver in addressed if not receiver.reason]
    outcomes = delivery.send(
        [receiver for receiver in fit if receiver.kind == ROBOT],
        [receiver for receiver in fit if receiver.kind == PERSON],
    )
    for receiver in addressed:
        if receiver.reason:
            outcomes[receiver.receiver] = Outcome(NOT_SENT, False, receiver.reason)
    return answer.of_outcomes(addressed, outcomes, warnings)


def _waiting(msg_key, message, mobiles, everybody, own_app):
    """The message as outboxes keep it, by kind of receiver. Nobody may keep a caller's own app, so nobody can send with it later."""
    person = {"msg_key": msg_key, "title": message["title"], "text": message["text"]}
    return {"robot": dict(person, mobiles=list(mobiles), all=bool(everybody)), "person": person if own_app else None}


def _told(parts, warnings):
    """`parts`, and a warning when they leave out the end of a very long message."""
    missing = messages.left_out(parts)
    if missing:
        warning = u"the content is too long for %d messages: its last %d bytes are left out" % (len(parts), missing)
        if warning not in warnings:
            warnings.append(warning)
    return parts


def _addressed(order, settings, accepted_kinds, directory, deadline):
    """(Receivers in order, profiles): user ids go before mobiles, mobiles before names, as one of them is enough."""
    profiles = {}
    names = [] if order.user_ids or order.mobiles else order.receivers
    # Only groups can mention somebody, and only names can be those of robots.
    asked = names + order.at_names if names else []
    if asked:
        profiles = receivers.look_up(directory, asked, settings, deadline)
    if order.user_ids:
        return [receivers.person(user_id, user_id=user_id) for user_id in order.user_ids], profiles
    if order.mobiles:
        return [_by_mobile(mobile) for mobile in order.mobiles], profiles
    return [_fitting(receivers.classify(name, profiles, settings), accepted_kinds, settings) for name in names], profiles


def _by_mobile(mobile):
    number = mobile_in_dingtalks_form(mobile, u"")
    if not number:
        return receivers.unknown(mobile, u"is no phone number")
    return receivers.person(mobile, mobile=number)


def _fitting(receiver, accepted_kinds, settings):
    if receiver.kind == UNKNOWN or receiver.kind in accepted_kinds:
        return receiver
    reason = _WRONG_KIND[receiver.kind]
    if receiver.kind == PERSON:
        reason %= (settings.token_field, settings.sign_field)
    return receiver._replace(reason=reason)


def _mentions(order, profiles):
    """(mobiles in DingTalk's form, warnings)."""
    mobiles = [mobile_in_dingtalks_form(mobile, u"") or mobile for mobile in order.at_mobiles]
    warnings = []
    for name in () if order.user_ids or order.mobiles else order.at_names:
        profile = profiles.get(name.lower())
        mobile = mobile_in_dingtalks_form(profile.get("telephone"), profile.get("country_code")) if profile else u""
        if not mobile:
            warnings.append(u"%s is not mentioned: no BlueKing user with a phone number" % name)
        elif mobile not in mobiles:
            mobiles.append(mobile)
    if len(mobiles) > messages.MOST_MENTIONS:
        warnings.append(u"DingTalk takes %d mentions in a message: the rest is left out" % messages.MOST_MENTIONS)
    return mobiles, warnings
