"""Areas: files that a member keeps here for the time, outside the record; and tasks upon them."""
