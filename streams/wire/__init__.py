"""Bytes and headers to values and back."""
