"""The HTTP server of the hook: routes, the ladder, and the state that both need."""
