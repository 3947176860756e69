# -*- coding: utf-8 -*-
"""Helpers of the channel. The ESB does not look for components in a folder of this name."""
