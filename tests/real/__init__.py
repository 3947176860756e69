"""`make test-esb`: the contract tests against a real ESB tree."""
