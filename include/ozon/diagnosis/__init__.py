"""What a first installation gets wrong: the parts that need nothing but this machine, and the order of all of them."""
