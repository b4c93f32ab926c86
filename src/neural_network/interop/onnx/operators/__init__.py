"""The rows of the table, one file a family; ``table.py`` says how a row is written."""
