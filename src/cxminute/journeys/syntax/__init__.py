"""The text of the language: from letters to a definition and back to its one canonical form."""
