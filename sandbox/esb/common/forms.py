"""Forms and fields with which components check their input."""
from __future__ import absolute_import, division, print_function

import json
import re

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import EMPTY_VALUES
from django.forms.utils import ErrorDict

from common.base_utils import FancyDict, str_bool
from common.compat import force_text
from common.errors import CommonAPIError


class BaseComponentForm(forms.Form):
    """A form over a component's parameters; only the first error is told."""

    @classmethod
    def from_request(cls, request):
        return cls(request.g.kwargs if hasattr(request, "g") else request.kwargs)

    @property
    def fancy_cleaned_data(self):
        return FancyDict(self.cleaned_data)

    def full_clean(self):
        """As Django's, but `clean` is not called when a field is already wrong."""
        self._errors = ErrorDict()
        if not self.is_bound:
            return
        self.cleaned_data = {}
        self._clean_fields()
        if not self._errors:
            self._clean_form()
            self._post_clean()

    def get_cleaned_data_or_error(self, status=None):
        if not self.is_valid():
            raise CommonAPIError(self.get_error_prompt(), status=status)
        return self.cleaned_data

    def get_cleaned_data_when_exist(self, keys=None):
        """Cleaned values of the keys that the caller sent; a dict renames them."""
        keys = keys or list(self.fields)
        names = keys if isinstance(keys, dict) else {key: key for key in keys}
        return {new: self.cleaned_data[old] for old, new in names.items() if old in self.data}

    def get_error_prompt(self):
        """The first error in the order of the fields; `label [name] text` when the text is one of the field's own."""
        order = list(self.fields)
        name = min(self.errors, key=lambda key: order.index(key) if key in order else -1)
        message = force_text(self.errors[name][0])
        if name in self.fields and message in self._stock_messages(self.fields[name]):
            return u"%s [%s] %s" % (self[name].label, name, message)
        return message

    @staticmethod
    def _stock_messages(field):
        return [
            force_text(text)
            for cls in type(field).__mro__
            for text in getattr(cls, "default_error_messages", {}).values()
        ]


class ListField(forms.Field):
    """A list, a JSON list in a text, or a text separated by commas, semicolons, blanks or line ends."""

    default_error_messages = {"invalid_list": "Must be a list"}
    delimiter = re.compile(r"[^,;\n\r ]+")

    def __init__(self, delimiter="", *args, **kwargs):
        if delimiter:
            self.delimiter = re.compile(delimiter)
        super(ListField, self).__init__(*args, **kwargs)

    def to_python(self, value):
        if isinstance(value, (list, tuple)):
            return list(value)
        try:
            result = json.loads(value)
        except (TypeError, ValueError):
            result = None
        if isinstance(result, list):
            return result
        return self.delimiter.findall(u"" if value in EMPTY_VALUES else force_text(value).strip())


class TypeCheckField(forms.Field):
    """A value that must already have the promised type; an empty one becomes that type's empty value."""

    invalid_type_msg = "Must be the specified parameter data type"
    default_error_messages = {
        "invalid_list_type": "%s list" % invalid_type_msg,
        "invalid_dict_type": "%s dict" % invalid_type_msg,
        "invalid_type": invalid_type_msg,
    }

    def __init__(self, promise_type=None, *args, **kwargs):
        self.promise_type = promise_type
        super(TypeCheckField, self).__init__(*args, **kwargs)

    def to_python(self, value):
        if value in EMPTY_VALUES:
            return self.promise_type()
        if self.promise_type and not isinstance(value, self.promise_type):
            kind = "_%s" % self.promise_type.__name__ if self.promise_type in (list, dict) else ""
            raise ValidationError(self.error_messages["invalid%s_type" % kind])
        return value


class DefaultBooleanField(forms.Field):
    """A boolean with a default; "0" and "false" are false."""

    def __init__(self, default=False, *args, **kwargs):
        self.default = default
        super(DefaultBooleanField, self).__init__(*args, **kwargs)

    def to_python(self, value):
        value = super(DefaultBooleanField, self).to_python(value)
        return self.default if value in EMPTY_VALUES else str_bool(value)
