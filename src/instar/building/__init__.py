"""The parts of a build: its plan, its workers, and its ledger of shards."""
