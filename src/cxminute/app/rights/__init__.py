"""What people may say of their data, and ask for: consent, export, erasure, terms."""
