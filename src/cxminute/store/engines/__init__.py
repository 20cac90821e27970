"""Where tasks over buckets of subjects run: one file an engine. Only `app` chooses one."""
