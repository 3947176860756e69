"""What the contract tests stand on: HTTP clients, made-up people and robots, small servers."""
