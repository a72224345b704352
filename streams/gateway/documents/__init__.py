"""Documentation pages generated from the gateway's tables."""
