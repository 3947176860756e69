"""URLs: the component API (also under /api, where nginx puts it) and the health pages."""
from __future__ import absolute_import, division, print_function

from common.compat import url
from esb.routers import api_router_view
from healthz import views

urlpatterns = [
    url(r"^(?:api/)?c/compapi/(.*?)$", api_router_view),
    url(r"^ping/$", views.ping),
    url(r"^healthz/$", views.healthz),
    url(r"^healthz/check_custom_codename/$", views.check_custom_codename),
]

handler404 = "esb.views.handler_404_view"
handler500 = "esb.views.handler_500_view"
