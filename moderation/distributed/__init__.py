"""Archives beyond one machine: the work of the commands on the workers of a Dask cluster."""
