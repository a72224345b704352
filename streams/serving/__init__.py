"""Serving HTTP on a network that may be hostile: the same for the gateway, the operator API and the worker."""
