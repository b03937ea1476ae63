"""From the settings of others to ours, with a verdict for each of their keys."""
