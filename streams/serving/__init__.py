"""HTTP servers for networks that may be hostile, shared by gateway, operator API and worker."""
