"""The parts of exchanging samples with others: names, entries, the writing of LLaVA-style files and their reading."""
