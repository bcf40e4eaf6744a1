"""What files held before tools changed them, outside the user's git, and the way back."""
