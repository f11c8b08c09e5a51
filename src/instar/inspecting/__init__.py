"""What `instar inspect` says of each kind of artefact: one module a kind, in the words of one description."""
