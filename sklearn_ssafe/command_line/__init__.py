"""The command ``ssafe``. Nothing heavy is imported before a command runs."""
