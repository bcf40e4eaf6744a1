"""How the operating system confines a command: one module a means, behind the port in `tools.sandbox`."""
