"""Pages of documentation that are drawn from the gateway's own tables."""
