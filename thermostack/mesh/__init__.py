"""The mesh builder: from the geometry of a package to cells with materials, heat sources and boundary faces."""
