"""What the module tests stand on: tasks run by the real ansible-playbook, and a sandbox to run them against."""
