"""The commands, each in a room of its own, and what they share: options, the terminal, signals."""
