"""What RLBench is made of."""
