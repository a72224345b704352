"""From evidence to log-odds and a p-value."""
