"""Laws of the heat flux from a surface to its surroundings, with fluids and correlations."""
