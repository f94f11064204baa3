"""Shop actions: asked for, approved, sent once, verified, and what customers are told."""
