"""What a run leaves behind: JSON, HTML, text."""
