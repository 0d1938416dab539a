"""Reading and writing of text and binary files, without regard to their content."""
