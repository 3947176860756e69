"""A BlueKing platform of four real hosts: containers with systemd and sshd, reached by ssh through ports on 127.0.0.1."""
