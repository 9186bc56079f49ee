"""The only room with SQL for records: one file a noun, every function scoped."""
