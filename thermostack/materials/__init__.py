"""Materials, temperature laws of conductivity and heat capacity, effective media, material library."""
