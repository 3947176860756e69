"""A small local BlueKing on loopback: an ESB, user management and DingTalk, for trying and testing the channel."""
