"""RLBench as a simulator, on a stand-in of RLBench and of PyRep."""
