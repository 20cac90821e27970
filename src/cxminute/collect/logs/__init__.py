"""Process logs: what process-mining tools write, read into events, and events written as they read them."""
