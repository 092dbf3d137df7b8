"""The same job by hand, with the tools that people use today: one file a tool."""
