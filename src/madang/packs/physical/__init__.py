"""Physical AI: robot demonstrations in, manipulation policies out, success rate as the score."""
