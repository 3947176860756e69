"""Measures what the channel costs, in round trips to DingTalk."""
