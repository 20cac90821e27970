"""Outside formats -> Events. The verb: `receive`."""
