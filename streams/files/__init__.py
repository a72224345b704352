"""Files: streams, bundles, policies and secrets on disk, and readers of foreign data sets."""
