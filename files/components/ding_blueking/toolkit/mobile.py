# -*- coding: utf-8 -*-
"""Phone numbers as user management has them, in the form that DingTalk looks up and mentions."""
from __future__ import absolute_import, division, print_function

import re

from .names import text_type

_NUMBER = re.compile(r"^\+?[0-9][0-9 ().-]*$")
_WITH_CODE = re.compile(r"^\+([0-9]{1,4})[ -]")
# ITU-T E.164: no country's calling code begins another's. Those of two digits; 1 and 7 have one, all others three.
_TWO_DIGIT_CODES = frozenset(
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 "
    "93 94 95 98".split()
)


def mobile_in_dingtalks_form(telephone, country_code):
    """`13800000000`, or `+852-12345678` for numbers outside mainland China; empty when there is no number."""
    number = text_type(telephone if telephone is not None else u"").strip()
    if not _NUMBER.match(number):
        # Nothing, or masked for privacy: other digits than the user's are worse than none.
        return u""
    code = _digits(text_type(country_code if country_code is not None else u"")).lstrip(u"0") or u"86"
    abroad = u"+" + number[2:] if number.startswith(u"00") else number
    if abroad.startswith(u"+"):
        written = _WITH_CODE.match(abroad)
        digits = _digits(abroad)
        code = written.group(1) if written else _calling_code(digits)
        number = digits[len(code):]
    number = _digits(number)
    if not number:
        return u""
    return number if code == u"86" else u"+%s-%s" % (code, number)


def _calling_code(digits):
    if digits[:1] in (u"1", u"7"):
        return digits[:1]
    return digits[:2] if digits[:2] in _TWO_DIGIT_CODES else digits[:3]


def _digits(text):
    return u"".join(c for c in text if c in u"0123456789")
