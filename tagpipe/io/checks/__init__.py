"""Doctor, and every stored object hashed anew."""
