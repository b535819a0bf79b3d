"""What is told about the portal itself: who read what, and who reads much at once."""
