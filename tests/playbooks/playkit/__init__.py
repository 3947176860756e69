"""What the playbook tests stand on: the real ansible-playbook on a sandbox of two hosts, and a sandbox that goes back to its start."""
