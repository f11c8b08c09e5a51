"""What `instar.train` is made of: the order of the data, the model to teach, the run on disk, the estimate."""
