"""What AWS charges for predictions."""
