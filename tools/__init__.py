"""What `make` runs: the environment, the website, the notebooks."""
