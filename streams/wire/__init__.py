"""Conversion between values and what is sent: bytes, headers and addresses."""
