"""The mesh builder: from the geometry of a package to cells with parts, heat sources and boundary faces."""
