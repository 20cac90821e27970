"""Everything -> the brief that is read in one minute. The verb: `tell`."""
