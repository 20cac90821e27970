"""What to ask of a marketplace's API, one file each; it is app.pulling that asks, waits and tries again."""
