"""Parts of the documentation's site that are made while it is built: ``make docs``."""
