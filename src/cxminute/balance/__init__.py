"""Events, Passages -> Ledger: promises made, due, kept or broken. The verb: `weigh`."""
