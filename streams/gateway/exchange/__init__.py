"""Questions out through the log, and answers back by correlation id."""
