"""Speaking with a hub: what both sides must agree on, and a client. No server code."""
