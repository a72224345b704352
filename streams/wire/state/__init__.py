"""A household's state as bytes: packed, marked with the records it took in, and read in older forms."""
