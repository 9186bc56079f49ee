"""Who reports calls of models, and how: one module an emitter family, tables where they will do."""
