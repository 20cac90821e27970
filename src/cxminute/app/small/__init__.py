"""Small groups in answers: what would tell of fewer people than contracts allow is not shown."""
