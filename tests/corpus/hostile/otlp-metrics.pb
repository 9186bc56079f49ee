

tokens1