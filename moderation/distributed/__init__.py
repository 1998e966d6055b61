"""Work on archives beyond one machine, by Dask distributed."""
