"""The finite-volume discretisation: face conductances, heat capacities, reconstruction and error estimate."""
