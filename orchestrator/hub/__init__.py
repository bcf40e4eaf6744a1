"""The hub: one more front end over the same session, asked by paired devices over HTTP."""
