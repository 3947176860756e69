"""The ESB's Redis client `redisdb`: it connects at first use; None when the settings name no Redis."""
from __future__ import absolute_import, division, print_function

from django.conf import settings

redisdb = None
if settings.REDIS_HOST:
    import redis

    redisdb = redis.Redis(
        connection_pool=redis.BlockingConnectionPool(
            host=settings.REDIS_HOST,
            port=settings.REDIS_PORT,
            db=settings.REDIS_DB,
            password=settings.REDIS_PASSWORD or None,
            max_connections=600,
        )
    )
