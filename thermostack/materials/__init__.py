"""Materials, how they depend on temperature, and effective media."""
