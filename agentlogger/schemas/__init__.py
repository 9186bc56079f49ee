"""The shapes of the API, in marshmallow."""
