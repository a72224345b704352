"""Households that change, attacks that teach, and other stories that a bundle is measured on."""
