"""What estimators of others say of the recorded school of fish: see __main__.py."""
