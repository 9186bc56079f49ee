"""From bytes to records; knows neither Flask nor a database."""
