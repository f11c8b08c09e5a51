"""Episodes at play: simulators in their own processes, who tells them to go on, and the films of them."""
