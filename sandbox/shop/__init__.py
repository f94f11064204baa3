"""The demo shop “Formosa Goods”: an HTTP service with its own database and faults on demand."""
