"""What the storm tests stand on: a platform of two hosts with a Redis, senders, and the look at what arrived."""
