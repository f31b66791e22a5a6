"""The table of students that searches are compared on."""
