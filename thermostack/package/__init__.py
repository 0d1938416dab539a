"""The description of a package and its geometry; no cells."""
