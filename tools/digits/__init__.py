"""Score networks of handwritten digits, trained and measured for the book: see README.md."""
