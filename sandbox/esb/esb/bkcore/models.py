"""Tables of the ESB, named as in PaaS V6."""
from __future__ import absolute_import, division, print_function

import datetime
import json

from django.db import models
from django.utils import timezone

from esb.exdb.models import App  # noqa: F401  (its table comes with ours here; on a platform PaaS makes it)

CHANNEL_TYPES = ((1, "operate"), (2, "query"))
PERMISSION_LEVELS = ((0, "none"), (1, "normal"), (2, "sensitive"), (3, "special"))


class SystemDocCategory(models.Model):
    name = models.CharField(max_length=32, db_index=True)
    priority = models.IntegerField(default=1000)
    created_time = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["priority", "id"]
        db_table = "esb_system_doc_category"


class ComponentSystem(models.Model):
    name = models.CharField(max_length=64)
    label = models.CharField(max_length=128)
    component_admin = models.CharField(max_length=128, default="", blank=True)
    interface_admin = models.CharField(max_length=128, default="", blank=True)
    system_link = models.CharField(max_length=1024, default="", blank=True)
    belong_to = models.CharField(max_length=128, default="", blank=True)
    remark = models.TextField(default="", blank=True)
    execute_timeout = models.IntegerField(null=True, blank=True)
    query_timeout = models.IntegerField(null=True, blank=True)
    doc_category_id = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        db_table = "esb_component_system"


class ESBChannel(models.Model):
    """A path and the component that serves it."""

    name = models.CharField(max_length=64)
    path = models.CharField(max_length=255)
    method = models.CharField(max_length=32, null=True, default="", blank=True)
    component_system = models.ForeignKey(ComponentSystem, null=True, on_delete=models.CASCADE)
    component_codename = models.CharField(max_length=255)
    component_name = models.CharField(max_length=64, default="", blank=True, null=True)
    is_active = models.BooleanField(default=True)
    last_modified_time = models.DateTimeField(auto_now=True)
    created_time = models.DateTimeField(auto_now_add=True)
    timeout_time = models.IntegerField(blank=True, null=True)
    type = models.IntegerField(choices=CHANNEL_TYPES, default=2)
    comp_conf = models.TextField(default="", null=True, blank=True)
    perm_level = models.IntegerField(choices=PERMISSION_LEVELS, default=0)
    is_hidden = models.BooleanField(default=False)
    rate_limit_required = models.BooleanField(default=False)
    rate_limit_conf = models.TextField(null=True, blank=True)
    extra_info = models.TextField(default="", blank=True)

    class Meta:
        db_table = "esb_channel"
        unique_together = ("path", "method")

    @property
    def api_path(self):
        return "/api/c/compapi/%s/" % self.path.strip("/")

    @property
    def channel_conf(self):
        return {
            "id": self.id,
            "perm_level": self.perm_level,
            "rate_limit_required": self.rate_limit_required,
            "rate_limit_conf": json.loads(self.rate_limit_conf or "{}"),
        }

    @property
    def is_confapi(self):
        try:
            return json.loads(self.extra_info).get("is_confapi", False)
        except (AttributeError, ValueError):
            return False

    @property
    def comp_conf_dict(self):
        try:
            return dict(json.loads(self.comp_conf))
        except (TypeError, ValueError):
            return {}


class FunctionController(models.Model):
    func_code = models.CharField(max_length=64, unique=True)
    func_name = models.CharField(max_length=64)
    switch_status = models.BooleanField(default=True)
    wlist = models.TextField(null=True, default="", blank=True)
    func_desc = models.TextField(null=True, default="", blank=True)
    created_time = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "esb_function_controller"


class AppAccount(models.Model):
    """Apps that the ESB knows by itself, beside those of PaaS."""

    app_code = models.CharField(max_length=30, unique=True)
    app_token = models.CharField(max_length=128)
    introduction = models.TextField(default="", blank=True)
    created_time = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "esb_app_account"


def half_a_year_from_now():
    return timezone.now() + datetime.timedelta(days=180)


class AppComponentPerm(models.Model):
    """Apps allowed to call a channel whose perm_level is above 0."""

    app_code = models.CharField(max_length=64)
    component_id = models.IntegerField()
    expires = models.DateTimeField(default=half_a_year_from_now)
    created_time = models.DateTimeField(auto_now_add=True)
    last_accessed_time = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "esb_app_component_perm"
        unique_together = ("app_code", "component_id")


class ComponentAPIDoc(models.Model):
    """The documentation page of a channel."""

    board = models.CharField(max_length=64, null=True, blank=True, db_index=True)
    component_id = models.IntegerField(unique=True)
    doc_md = models.TextField(blank=True, null=True)
    doc_html = models.TextField(blank=True, null=True)
    doc_md_md5 = models.CharField(max_length=128, default="", blank=True)
    created_time = models.DateTimeField(auto_now_add=True)
    updated_time = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "esb_api_doc"
