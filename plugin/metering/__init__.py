"""What a call costs: prices and estimates."""
