# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The ESB's tables of channels and systems, seen from inside the ESB's Python, with every column as it is stored.

V6 and V7 name and type them differently; here a row is {column: plain value} in both. JSON columns stay the text that
they are, so that what is written back is the same byte for byte. Times are texts in ISO 8601.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import datetime
import logging

try:
    from django.db import connections, router
    from django.utils import timezone
    from django.utils.dateparse import parse_datetime
except ImportError:  # on Ansible's side this file only lends its text
    connections = router = timezone = parse_datetime = None


def started():
    """The tables, once the ESB's Django is set up."""
    try:
        import django
        django.setup()
        # With DEBUG on, Django logs each statement with its values, and ours hold secrets.
        logging.getLogger("django.db.backends").setLevel(logging.CRITICAL)
        return Tables()
    except Exception as error:
        # Whatever it is, no code of ours is at fault yet (see esb_start.kind).
        error.esb_does_not_start = True
        raise


class Table:
    """One model's table."""

    def __init__(self, model):
        self.model = model
        self.alias = router.db_for_write(model)
        fields = list(model._meta.concrete_fields)
        # Fields of other packages (V7's JSON) would parse and rewrite their text.
        self.plain = [field for field in fields if type(field).__module__.startswith("django.")]
        self.raw = [field for field in fields if field not in self.plain]
        self.key = model._meta.pk.attname
        self.columns = set(field.attname for field in fields)

    @property
    def connection(self):
        return connections[self.alias]

    def all(self):
        return self.model.objects.using(self.alias)

    def rows(self, lock=False, **where):
        """The rows that match, ordered by key; `lock` keeps other writers out until the transaction ends, where the database can."""
        query = self.all().filter(**where).order_by(self.key)
        if lock:
            query = query.select_for_update()
        quote = self.connection.ops.quote_name
        names = dict(("raw_%s" % field.attname, field) for field in self.raw)
        query = query.extra(select=dict((name, "%s.%s" % (quote(self.model._meta.db_table), quote(field.column))) for name, field in names.items()))
        result = []
        for values in query.values(*([field.attname for field in self.plain] + list(names))):
            row = dict((field.attname, _out(values[field.attname])) for field in self.plain)
            row.update((field.attname, values[name]) for name, field in names.items())
            result.append(row)
        return result

    def update(self, key, columns):
        """Writes these columns of one row, exactly; columns that this table does not have are left out."""
        plain = dict((field.attname, _in(field, columns[field.attname])) for field in self.plain
                     if field.attname in columns and field.attname != self.key)
        if plain:
            self.all().filter(pk=key).update(**plain)
        raw = [field for field in self.raw if field.attname in columns]
        if raw:
            quote = self.connection.ops.quote_name
            with self.connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE %s SET %s WHERE %s = %%s" % (
                        quote(self.model._meta.db_table), ", ".join("%s = %%s" % quote(field.column) for field in raw),
                        quote(self.model._meta.pk.column)),
                    [columns[field.attname] for field in raw] + [key])

    def insert(self, columns):
        """Adds a row with these columns, exactly, and returns its key; with the key of `columns` where that is free."""
        row = self.model(**dict((field.attname, _in(field, columns[field.attname])) for field in self.plain
                                if field.attname in columns and field.attname != self.key))
        wanted = columns.get(self.key)
        if wanted is not None and not self.all().filter(pk=wanted).exists():
            row.pk = wanted
        row.save(using=self.alias, force_insert=True)
        # save() sets the times to now and parses JSON.
        self.update(row.pk, columns)
        return row.pk

    def delete(self, key):
        if self.raw:
            # Django reads a row before it deletes it, and V7's JSON field refuses what is no JSON.
            self.update(key, dict((field.attname, "{}") for field in self.raw))
        self.all().filter(pk=key).delete()

    def touched(self):
        """The columns that tell when a row was changed last, with the present time."""
        return dict((field.attname, timezone.now().isoformat()) for field in self.plain if getattr(field, "auto_now", False))


class Tables:
    """The channels, their systems and V7's extension of a channel."""

    def __init__(self):
        from esb.bkcore import models
        self.channels = Table(models.ESBChannel)
        self.is_v7 = "config" in self.channels.columns
        self.conf = "config" if self.is_v7 else "comp_conf"
        self.systems = Table(models.System if hasattr(models, "System") else models.ComponentSystem)
        self.system_key = "system_id" if "system_id" in self.channels.columns else "component_system_id"
        self.extends = Table(models.ESBChannelExtend) if hasattr(models, "ESBChannelExtend") else None

    def of_paths(self, paths, lock=False):
        return self.channels.rows(lock=lock, path__in=list(paths))

    def system_names(self):
        return dict((row["id"], row["name"]) for row in self.systems.rows())


def method(row):
    """A row's method; null and "" are the same to the ESB."""
    return row["method"] or ""


def name(row):
    """How a row is called in diffs and messages: "/cmsi/send_ding/" or "/cmsi/send_ding/ POST"."""
    return ("%s %s" % (row["path"], method(row))).strip()


def _out(value):
    return value.isoformat() if isinstance(value, datetime.datetime) else value


def _in(field, value):
    return parse_datetime(value) if value is not None and field.get_internal_type() == "DateTimeField" else value
