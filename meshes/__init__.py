"""Reference packages, installed as `thermostack.meshes` and read as data."""
