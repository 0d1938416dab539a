"""Linear models of a package for design: influence matrix, power budget, power limits over time."""
