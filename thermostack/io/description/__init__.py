"""Package descriptions, floorplans, maps and traces."""
