"""The tables of esb.bkcore.models, and PaaS's paas_app."""
from __future__ import absolute_import, division, print_function

import django.utils.timezone
from django.db import migrations, models

import esb.bkcore.models


def char(length, **options):
    return models.CharField(max_length=length, **options)


def text(**options):
    return models.TextField(default="", blank=True, **options)


def number(**options):
    return models.IntegerField(null=True, blank=True, **options)


def created():
    return models.DateTimeField(auto_now_add=True)


def changed():
    return models.DateTimeField(auto_now=True)


def table(name, db_table, *fields, **options):
    key = models.AutoField(verbose_name="ID", serialize=False, auto_created=True, primary_key=True)
    return migrations.CreateModel(name, [("id", key)] + list(fields), options=dict(options, db_table=db_table))


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        table(
            "App", "paas_app",
            ("name", char(20, unique=True)),
            ("code", char(30, unique=True)),
            ("auth_token", char(36, blank=True, null=True)),
        ),
        table(
            "SystemDocCategory", "esb_system_doc_category",
            ("name", char(32, db_index=True)),
            ("priority", models.IntegerField(default=1000)),
            ("created_time", created()),
            ordering=["priority", "id"],
        ),
        table(
            "ComponentSystem", "esb_component_system",
            ("name", char(64)),
            ("label", char(128)),
            ("component_admin", char(128, default="", blank=True)),
            ("interface_admin", char(128, default="", blank=True)),
            ("system_link", char(1024, default="", blank=True)),
            ("belong_to", char(128, default="", blank=True)),
            ("remark", text()),
            ("execute_timeout", number()),
            ("query_timeout", number()),
            ("doc_category_id", number()),
            ordering=["name"],
        ),
        table(
            "ESBChannel", "esb_channel",
            ("name", char(64)),
            ("path", char(255)),
            ("method", char(32, null=True, default="", blank=True)),
            ("component_system", models.ForeignKey("bkcore.ComponentSystem", null=True, on_delete=models.CASCADE)),
            ("component_codename", char(255)),
            ("component_name", char(64, default="", blank=True, null=True)),
            ("is_active", models.BooleanField(default=True)),
            ("last_modified_time", changed()),
            ("created_time", created()),
            ("timeout_time", number()),
            ("type", models.IntegerField(choices=esb.bkcore.models.CHANNEL_TYPES, default=2)),
            ("comp_conf", text(null=True)),
            ("perm_level", models.IntegerField(choices=esb.bkcore.models.PERMISSION_LEVELS, default=0)),
            ("is_hidden", models.BooleanField(default=False)),
            ("rate_limit_required", models.BooleanField(default=False)),
            ("rate_limit_conf", models.TextField(null=True, blank=True)),
            ("extra_info", text()),
            unique_together={("path", "method")},
        ),
        table(
            "FunctionController", "esb_function_controller",
            ("func_code", char(64, unique=True)),
            ("func_name", char(64)),
            ("switch_status", models.BooleanField(default=True)),
            ("wlist", text(null=True)),
            ("func_desc", text(null=True)),
            ("created_time", created()),
        ),
        table(
            "AppAccount", "esb_app_account",
            ("app_code", char(30, unique=True)),
            ("app_token", char(128)),
            ("introduction", text()),
            ("created_time", created()),
        ),
        table(
            "AppComponentPerm", "esb_app_component_perm",
            ("app_code", char(64)),
            ("component_id", models.IntegerField()),
            ("expires", models.DateTimeField(default=esb.bkcore.models.half_a_year_from_now)),
            ("created_time", created()),
            ("last_accessed_time", models.DateTimeField(default=django.utils.timezone.now)),
            unique_together={("app_code", "component_id")},
        ),
        table(
            "ComponentAPIDoc", "esb_api_doc",
            ("board", char(64, null=True, blank=True, db_index=True)),
            ("component_id", models.IntegerField(unique=True)),
            ("doc_md", models.TextField(blank=True, null=True)),
            ("doc_html", models.TextField(blank=True, null=True)),
            ("doc_md_md5", char(128, default="", blank=True)),
            ("created_time", created()),
            ("updated_time", changed()),
        ),
    ]
