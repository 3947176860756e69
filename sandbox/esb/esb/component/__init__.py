from .base import BaseComponent, ComponentsManager, CompRequest, get_components_manager  # noqa: F401
