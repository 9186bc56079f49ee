"""The compiled way of a record does what the sources say, and is never another one."""
