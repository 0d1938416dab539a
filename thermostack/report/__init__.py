"""Tables of text, and the same data as plain dictionaries for JSON."""
