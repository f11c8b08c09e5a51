"""Studies: each module measures one thing about the project and writes its table into docs/results.md."""
