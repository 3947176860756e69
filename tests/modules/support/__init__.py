"""Servers that misbehave, secrets that are planted, and a look at what the machine shows of them."""
