"""The mesh builder: from the geometry of a package to cells, heat sources and boundary faces."""
