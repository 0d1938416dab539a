"""Heat flux of a surface by its temperature: radiation, convection by correlation, tables, boiling."""
