"""Access to the HTTP servers: tokens, scopes, listening addresses and TLS."""
