"""The HTTP server that answers in time: routes, the ladder, and what it remembers."""
