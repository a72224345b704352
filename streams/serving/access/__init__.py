"""Who may call the HTTP servers: tokens, scopes, listening addresses and TLS."""
