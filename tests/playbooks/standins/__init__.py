"""Stand-ins for what runs a PaaS host's ESB: systemctl, a container engine, Consul's agent. They manage real ESB processes of the sandbox."""
