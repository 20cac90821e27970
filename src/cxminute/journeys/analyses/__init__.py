"""What is computed from passages and streams: each a task over a bucket, a result that adds, and a table."""
