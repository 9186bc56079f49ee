"""What autogenerate writes: a change of the models, as revisions that follow each other.

Alembic compares and hands over one script. Here it becomes several where it must: what older
programs do not notice, what is built beside them, what is done to the rows, what takes away.
"""
