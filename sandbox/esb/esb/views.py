"""Answers to a path that does not exist and to an error outside a component."""
from __future__ import absolute_import, division, print_function

from common.django_utils import JsonResponse


def _failure(message, status):
    return JsonResponse({"result": False, "data": None, "message": message}, status=status)


def handler_404_view(request, *_args, **_kwargs):
    return _failure("The content does not exist", 404)


def handler_500_view(request, *_args, **_kwargs):
    return _failure("Request is abnormal, please contact the component developer", 500)
