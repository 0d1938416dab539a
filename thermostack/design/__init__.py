"""The design loop: sessions, influence matrix, power budget."""
