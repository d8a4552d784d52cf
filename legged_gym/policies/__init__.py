"""A policy on disk: finding, loading, exporting, shipping."""
