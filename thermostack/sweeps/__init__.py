"""Parameter sweeps: studies, designs of cases, workers, the log of rows, tables and reports."""
