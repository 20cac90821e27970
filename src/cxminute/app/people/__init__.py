"""Who is who in a project: recognised, explained, linked and taken apart; accounts; linkage."""
