"""What goes into the model's window. Pure."""
