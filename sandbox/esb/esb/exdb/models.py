"""PaaS's own table of apps, which the ESB reads: their secrets."""
from __future__ import absolute_import, division, print_function

from django.db import models


class App(models.Model):
    name = models.CharField(max_length=20, unique=True)
    code = models.CharField(max_length=30, unique=True)
    auth_token = models.CharField(max_length=36, blank=True, null=True)

    class Meta:
        app_label = "bkcore"
        db_table = "paas_app"
