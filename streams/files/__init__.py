"""Streams, bundles, policies and secrets on disk, and importers of foreign logs."""
