"""What the proposals API takes and gives."""
