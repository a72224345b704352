"""Encoding of household states, and the marks of the records that a state contains."""
