"""What a model can do, and how far."""
