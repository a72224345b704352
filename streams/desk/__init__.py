"""The desk: web pages of ``misfire operator`` for people who review decisions."""
