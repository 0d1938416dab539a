"""The finite-volume discretisation: face conductances, heat capacities, reconstruction, error estimate."""
