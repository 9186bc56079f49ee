"""The pages in a browser, as people use them: `make browser`."""
