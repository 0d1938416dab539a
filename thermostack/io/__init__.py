"""Files in and out: package descriptions, floorplans and maps, results."""
