from .base import ApiChannel, get_channel_manager  # noqa: F401
