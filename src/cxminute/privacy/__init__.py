"""The neck that every use of a person's data passes: purposes, contracts, permits."""
