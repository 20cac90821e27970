"""Readers of other people's documents: marketplaces, shops, desks, surveys; one each, all telling in the same words."""
