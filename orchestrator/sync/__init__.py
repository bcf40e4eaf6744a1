"""Records between nodes: any peer relays any device's records, page by page."""
