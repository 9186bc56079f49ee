"""The pages say what the program does: settings, limits, codes, routes, commands, files."""
