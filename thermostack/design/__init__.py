"""The design loop: packages that change, and the answers that follow from them quickly."""
